// What the clients of a drain trial saw of each pod, and the judgement on it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/prove/pods.hpp"
#include "tests/prove/report.hpp"

namespace tidegate::prove {

// A socket that ended by a Close from behind.
struct Closing {
  std::chrono::steady_clock::time_point at;
  std::size_t pod = 0;
  bool as_configured = false;  // its code and reason
};

// Of one pod, since its process began.
struct PodSight {
  std::uint64_t open = 0;  // sockets now
  std::uint64_t greetings = 0;
  std::uint64_t echoes = 0;
};

struct DrainRecord {
  explicit DrainRecord(std::size_t pod_count) : pods(pod_count) {}

  std::vector<PodSight> pods;
  std::vector<Closing> closings;

  [[nodiscard]] std::uint64_t open() const;
};

// One pod's turn.
struct PodDrain {
  std::size_t pod = 0;
  std::uint64_t sockets = 0;  // that it had when the order was given
  std::chrono::steady_clock::time_point ordered;
  std::chrono::milliseconds emptied{0};  // after so long; 0: not in time
  std::uint64_t newcomers = 0;           // sockets that came to it in spite of the order
  std::uint64_t back = 0;                // clients with a socket at another pod afterwards
};

// The pod's sockets were closed at the pace of `window`, nobody came to it, and all of `clients` are
// elsewhere.
// Not `timed`: the pace is shown and not judged.
[[nodiscard]] std::vector<Check> judge(const DrainRecord& record, const PodDrain& drain,
                                       std::chrono::milliseconds window, std::uint64_t clients, bool timed);
// All that the pod has sent reached its client.
[[nodiscard]] Check judge_messages(std::size_t pod, const PodSight& sight, const PodCounts& counts);
// Every socket that ended has ended by the configured Close, and only those of the pods that were drained.
[[nodiscard]] Check judge_closings(const DrainRecord& record, std::uint64_t drained);

}  // namespace tidegate::prove
