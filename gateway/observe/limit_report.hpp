// What a limit has done, for the metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::gateway {

// What there can be too much of.
enum class LimitKind : std::uint8_t { requests, handshakes, connections, websockets };
inline constexpr std::size_t limit_kinds = 4;
[[nodiscard]] std::string_view name_of(LimitKind kind);

struct LimitReport {
  std::string name;
  bool dry_run = false;  // nothing was really refused or delayed
  std::array<std::uint64_t, limit_kinds> refused{};
  std::uint64_t delayed = 0;
  std::uint64_t clients = 0;    // remembered now
  std::uint64_t forgotten = 0;  // to make room, with something still to remember
};

}  // namespace tidegate::gateway
