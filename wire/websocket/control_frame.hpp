// Builds the control frames that the gateway puts in (RFC 6455 5.5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/websocket/frame_scanner.hpp"

namespace tidegate::websocket {

struct ControlFrame {
  std::array<char, 131> bytes{};  // header, mask and at most 125 bytes of payload
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
};

// A Close as `sender` sends it (a client's is masked with `mask`). `code` must be legal on the wire: never
// 1004, 1005, 1006 or 1015 (asserted; 1000–1014 otherwise and 3000–4999). The reason is cut to 123 bytes at a
// UTF-8 boundary.
[[nodiscard]] ControlFrame make_close(Sender sender, std::uint16_t code, std::string_view reason,
                                      std::uint32_t mask = 0);
[[nodiscard]] bool is_sendable_close_code(std::uint16_t code);

// A ping as `sender` sends it, whose pong the scanner of the other side can tell from all others.
[[nodiscard]] ControlFrame make_ping(Sender sender, const PingCookie& cookie, std::uint32_t mask = 0);

}  // namespace tidegate::websocket
