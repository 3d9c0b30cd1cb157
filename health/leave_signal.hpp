// What open WebSockets tell of a pod that leaves before a probe sees it: the Close frames that it sends by
// itself. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::health {

// Whether a Close with this code says that the pod, and not this one client, is the reason: 1012 (service
// restart) and 1013 (try again later) of IANA's registry, and Pusher's 4200 to 4299 (connect again at once).
// Of these, 4201 (no pong in time) and 4202 (closed after inactivity) are about a client that fell silent.
// 1001 says nothing: servers echo it to browsers that leave a page.
[[nodiscard]] bool speaks_of_leaving(std::uint16_t close_code);

// A Close that the pod has sent first, neither to its client's nor to the gateway's, with such a code.
struct LeavingClose {
  std::uint16_t code = 0;
  std::uint64_t client = 0;  // equal for those of one client address; 0: nobody knows it
  bool newcomer = false;     // within a second of the 101, and the client had not sent a byte
};

enum class LeaveSign : std::uint8_t {
  clients,    // two client addresses within a second
  newcomers,  // three newcomers within a second, whatever their addresses
};
inline constexpr std::size_t leave_signs = 2;
[[nodiscard]] std::string_view name_of(LeaveSign sign);

// What a pod was found to leave by: "sent Close 4200 to 2 clients within 1 s".
[[nodiscard]] std::string describe(LeaveSign sign, std::uint16_t close_code);

// Of one endpoint. One client alone, whatever it makes the pod do, is never enough, but for newcomers who
// have not said a word. Remembers three times and a client.
class LeaveSignal {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds window{1};

  // Counts a Close; the sign if there are enough now, with which it begins anew. `now` never goes back by
  // more than threads disagree about it.
  [[nodiscard]] std::optional<LeaveSign> count(const LeavingClose& close, TimePoint now);
  // Nothing that it remembers counts any more.
  [[nodiscard]] bool is_over(TimePoint now) const;

 private:
  std::uint64_t client_ = 0;
  TimePoint told_{};                      // when `client_` got its last Close
  std::array<TimePoint, 2> newcomers_{};  // when the last two got theirs, the later one first
};

}  // namespace tidegate::health
