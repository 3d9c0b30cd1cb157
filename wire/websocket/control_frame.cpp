#include "wire/websocket/control_frame.hpp"

#include <algorithm>
#include <cassert>

namespace tidegate::websocket {

namespace {

constexpr std::size_t longest_reason = 123;

// Cuts `text` to `limit` bytes, never through a character: an endpoint must fail a connection over invalid
// UTF-8.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  while (limit > 0 && continues(limit)) --limit;
  return text.substr(0, limit);
}

ControlFrame make_control(Opcode opcode, Sender sender, std::string_view payload, std::uint32_t mask) {
  ControlFrame frame;
  const auto put = [&frame](unsigned byte) { frame.bytes[frame.size++] = static_cast<char>(byte); };
  const bool masked = sender == Sender::client;
  put(fin_bit | static_cast<unsigned>(opcode));
  put(static_cast<unsigned>(payload.size()) | (masked ? mask_bit : 0U));
  std::array<unsigned, 4> key{};
  if (masked) {
    for (std::size_t i = 0; i < key.size(); ++i) {
      key[i] = mask >> (24 - 8 * i) & 0xff;
      put(key[i]);
    }
  }
  for (std::size_t i = 0; i < payload.size(); ++i) put(static_cast<unsigned char>(payload[i]) ^ key[i % 4]);
  return frame;
}

}  // namespace

ControlFrame make_close(Sender sender, std::uint16_t code, std::string_view reason, std::uint32_t mask) {
  assert(is_sendable_close_code(code));
  const auto text = cut(reason, longest_reason);
  std::array<char, longest_control> payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  std::copy(text.begin(), text.end(), payload.begin() + 2);
  return make_control(Opcode::close, sender, {payload.data(), text.size() + 2}, mask);
}

ControlFrame make_ping(Sender sender, const PingCookie& cookie, std::uint32_t mask) {
  return make_control(Opcode::ping, sender, {reinterpret_cast<const char*>(cookie.data()), cookie.size()},
                      mask);
}

// RFC 6455 7.4; 1004 has no meaning yet, 1005, 1006 and 1015 are never sent.
bool is_sendable_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

}  // namespace tidegate::websocket
