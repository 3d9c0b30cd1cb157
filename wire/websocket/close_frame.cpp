#include "wire/websocket/close_frame.hpp"

#include <cassert>

namespace tidegate::websocket {

namespace {

constexpr std::size_t longest_reason = 123;
constexpr std::uint8_t fin_and_close = 0x88;
constexpr std::uint8_t mask_bit = 0x80;

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

}  // namespace

CloseFrame make_close(Sender sender, std::uint16_t code, std::string_view reason, std::uint32_t mask) {
  assert(is_sendable_close_code(code));
  const auto text = cut(reason, longest_reason);
  CloseFrame frame;
  const auto put = [&frame](unsigned byte) { frame.bytes[frame.size++] = static_cast<char>(byte); };
  const bool masked = sender == Sender::client;
  put(fin_and_close);
  put(static_cast<unsigned>(text.size() + 2) | (masked ? mask_bit : 0U));
  std::array<unsigned, 4> key{};
  if (masked) {
    for (std::size_t i = 0; i < key.size(); ++i) {
      key[i] = mask >> (24 - 8 * i) & 0xff;
      put(key[i]);
    }
  }
  put((code >> 8 & 0xffU) ^ key[0]);
  put((code & 0xffU) ^ key[1]);
  for (std::size_t i = 0; i < text.size(); ++i) put(static_cast<unsigned char>(text[i]) ^ key[(i + 2) % 4]);
  return frame;
}

// RFC 6455 7.4; 1004 has no meaning yet, 1005, 1006 and 1015 are never sent.
bool is_sendable_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

}  // namespace tidegate::websocket
