// The order and the times in which pods are restarted.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "tests/prove/options.hpp"

namespace tidegate::prove {

struct Step {
  enum class Kind { graceful, kill, all_down };
  Kind kind = Kind::graceful;
  std::size_t pod = 0;              // not for all_down
  std::chrono::milliseconds at{0};  // from the start of the load; later if the step before has not ended
};

struct Rollout {
  std::vector<Step> steps;
  std::chrono::milliseconds grace{3000};  // of the pods at SIGTERM, as Soketi's
  std::chrono::milliseconds start_refuse{300};
  std::chrono::milliseconds start_unready{300};
};

inline constexpr std::chrono::milliseconds down_time{2000};

// Two rounds over `pods` pods, spread over the time of the run; where both kinds are asked for they
// alternate, so that each pod ends once in each way. Of Trial::soketi one round, for longer graces. Pure.
[[nodiscard]] Rollout plan_rollout(const Options& options, std::size_t pods);

}  // namespace tidegate::prove
