// Builds Close frames (RFC 6455 5.5.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/websocket/frame_scanner.hpp"

namespace tidegate::websocket {

struct CloseFrame {
  std::array<char, 131> bytes{};  // header, mask, code and at most 123 bytes of reason
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
};

// A Close as `sender` sends it (a client's is masked with `mask`). `code` must be legal on the wire: never
// 1004, 1005, 1006 or 1015 (asserted; 1000–1014 otherwise and 3000–4999). The reason is cut to 123 bytes at a
// UTF-8 boundary.
[[nodiscard]] CloseFrame make_close(Sender sender, std::uint16_t code, std::string_view reason,
                                    std::uint32_t mask = 0);
[[nodiscard]] bool is_sendable_close_code(std::uint16_t code);

}  // namespace tidegate::websocket
