// When a name is asked next: pure.
#pragma once

#include <chrono>
#include <optional>

#include "conf/discovery.hpp"
#include "upstream/discovery/dns/name_search.hpp"

namespace tidegate::upstream::dns {

using TimePoint = std::chrono::steady_clock::time_point;

// What came of asking a name.
struct Outcome {
  // For how long what was answered is true; of NXDOMAIN and NODATA how long they may be remembered.
  std::optional<std::chrono::seconds> ttl;
  bool renewed = false;  // there were records
  int failures = 0;      // times in a row that it, or one of its address families, could not be asked
};

// What `finding` means, after `failures` in a row before it.
[[nodiscard]] Outcome outcome_of(const Finding& finding, int failures);

// The time to ask again. What was renewed is asked before its TTL, within the bounds of `settings`, runs out;
// what failed after 1 s, doubling to 10 s at most, and not slower than `settings.max_ttl`. `jitter` is drawn
// evenly from -1 to 1: it spreads the questions of many names and of several gateways.
[[nodiscard]] TimePoint next_question(const Outcome& outcome, const conf::Resolver& settings, double jitter,
                                      TimePoint now);

}  // namespace tidegate::upstream::dns
