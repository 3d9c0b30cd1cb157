// When an endpoint is probed next: pure, from what is known of it.
#pragma once

#include <chrono>
#include <optional>

#include "upstream/endpoint_state.hpp"

namespace tidegate::health {

using TimePoint = std::chrono::steady_clock::time_point;

struct ScheduleFacts {
  // Of the configured readiness probe; without one only an endpoint that was found down is checked, by
  // connecting.
  std::optional<std::chrono::milliseconds> period;
  upstream::Verdict verdict = upstream::Verdict::unknown;
  bool failing = false;           // the last result was a failure, whether or not it turned the verdict
  bool suspected = false;         // a connection was refused since the last probe began
  bool waiting = false;           // requests are on hold for the cluster
  int failed_checks = 0;          // without a probe: connects that failed since it was found down
  std::optional<TimePoint> last;  // when the last probe began, or without a probe: when it was found down
};

// The time of the next probe, which may be past; nothing if none is due until something changes. `jitter` is
// drawn evenly from -1 to 1: it spreads the probes of many endpoints and of several gateways.
[[nodiscard]] std::optional<TimePoint> next_probe(const ScheduleFacts& facts, double jitter);

}  // namespace tidegate::health
