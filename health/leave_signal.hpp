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
// 1001 says nothing: servers echo it to browsers that leave a page.
[[nodiscard]] bool speaks_of_leaving(std::uint16_t close_code);
// Of these, Pusher's 4201 (no pong in time) and 4202 (closed after inactivity): what a pod says to clients
// that fell silent, which they can do together. To a newcomer, who had no time for that, it means the pod.
[[nodiscard]] bool speaks_of_silence(std::uint16_t close_code);

// A Close that the pod has sent first, neither to its client's nor to the gateway's, with such a code.
struct LeavingClose {
  std::uint16_t code = 0;
  std::uint64_t client = 0;  // equal for those of one client address; 0: nobody knows it
  bool newcomer = false;     // within a second of the 101, and the client had not sent a byte
};

enum class LeaveSign : std::uint8_t {
  clients,    // two client addresses within a second
  newcomers,  // three newcomers within a second, whatever their addresses
  losses,     // the answers of two client addresses were lost within a second, and none has come since
};
inline constexpr std::size_t leave_signs = 3;
[[nodiscard]] std::string_view name_of(LeaveSign sign);

// What a pod was found to leave by: "sent Close 4200 to 2 clients within 1 s". Losses have no code.
[[nodiscard]] std::string describe(LeaveSign sign, std::uint16_t close_code = 0);

// Of one endpoint. One client alone, whatever it makes the pod do, is never enough, but for newcomers who
// have not said a word. Remembers four times and two clients.
class LeaveSignal {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds window{1};

  // Counts a Close, unless it may be about its client; the sign if there are enough now, with which it begins
  // anew. `now` never goes back by more than threads disagree about it.
  [[nodiscard]] std::optional<LeaveSign> count(const LeavingClose& close, TimePoint now);
  // Counts an answer that was lost: the connection ended before its first byte. `client` as in LeavingClose;
  // `last_answer` is when the endpoint last answered anybody.
  [[nodiscard]] std::optional<LeaveSign> count_loss(std::uint64_t client, TimePoint last_answer,
                                                    TimePoint now);
  // Nothing that it remembers counts any more.
  [[nodiscard]] bool is_over(TimePoint now) const;

 private:
  std::uint64_t client_ = 0;
  TimePoint told_{};                      // when `client_` got its last Close
  std::array<TimePoint, 2> newcomers_{};  // when the last two got theirs, the later one first
  std::uint64_t loser_ = 0;
  TimePoint lost_{};  // when `loser_` lost its last answer
};

}  // namespace tidegate::health
