// Whose word takes endpoints out. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace tidegate::health {

// A client may make a pod send what speaks of leaving: a handshake that the application refuses will do, and
// it is refused by the next pod too. So one client address takes out one endpoint in `pause` and no more;
// what else it meets is a reason to probe.
class Accusers {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds pause{5};
  static constexpr std::size_t most =
      4096;  // client addresses within the pause; more of them are not believed

  // Whether the client (0: one of those nobody knows) is believed now; if so, that was its one time.
  [[nodiscard]] bool believe(std::uint64_t client, TimePoint now);
  void forget(TimePoint now);

 private:
  std::unordered_map<std::uint64_t, TimePoint> believed_;
};

}  // namespace tidegate::health
