// A small encoder of WebSocket frames, written without regard to the scanner, to compare it with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/websocket/frame_scanner.hpp"

namespace tidegate::tests {

struct Frame {
  websocket::Opcode opcode = websocket::Opcode::text;
  bool fin = true;
  std::string payload;
  std::uint8_t reserved = 0;  // RSV1 is 0x40, RSV2 0x20, RSV3 0x10
};

enum class LengthForm { shortest, two_bytes, eight_bytes };

inline std::string encode(const Frame& frame, websocket::Sender sender,
                          LengthForm form = LengthForm::shortest) {
  const auto size = frame.payload.size();
  const bool masked = sender == websocket::Sender::client;
  std::string bytes;
  const auto put = [&bytes](std::uint64_t byte) { bytes.push_back(static_cast<char>(byte & 0xff)); };
  put((frame.fin ? 0x80U : 0U) | frame.reserved | static_cast<unsigned>(frame.opcode));
  const unsigned mask_bit = masked ? 0x80 : 0;
  const bool two =
      form == LengthForm::two_bytes || (form == LengthForm::shortest && size > 125 && size < 65536);
  const bool eight = form == LengthForm::eight_bytes || (form == LengthForm::shortest && size >= 65536);
  put(mask_bit | (eight ? 127 : two ? 126 : size));
  for (int shift = (eight ? 64 : two ? 16 : 0) - 8; shift >= 0; shift -= 8)
    put(static_cast<std::uint64_t>(size) >> shift);
  const std::array<unsigned, 4> mask =
      masked ? std::array<unsigned, 4>{0xa1, 0x5c, 0x00, 0xff} : std::array<unsigned, 4>{};
  if (masked) {
    for (const auto byte : mask) put(byte);
  }
  for (std::size_t i = 0; i < size; ++i) put(static_cast<unsigned char>(frame.payload[i]) ^ mask[i % 4]);
  return bytes;
}

inline Frame close_with(std::uint16_t code, std::string_view reason = {}) {
  Frame frame{websocket::Opcode::close, true, {}, 0};
  frame.payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  frame.payload.append(reason);
  return frame;
}

}  // namespace tidegate::tests
