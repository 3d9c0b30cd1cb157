#include "gateway/process/staple_schedule.hpp"

#include <algorithm>

namespace tidegate::gateway {
namespace {

using std::chrono::milliseconds;

milliseconds back_off(int failures, const StaplePace& pace) {
  auto gap = pace.first_back_off;
  for (int i = 1; i < failures && gap < pace.longest_back_off; ++i) gap *= 2;
  return std::min(gap, pace.longest_back_off);
}

milliseconds refresh(const StapleFacts& facts, const StaplePace& pace) {
  if (!facts.expires) return pace.shortest;
  const auto left = std::chrono::duration_cast<milliseconds>(*facts.expires - facts.asked);
  return std::clamp(left / 2, pace.shortest, pace.longest);
}

}  // namespace

net::WallTime next_fetch(const StapleFacts& facts, const StaplePace& pace, double jitter) {
  const auto gap = facts.failures > 0 ? back_off(facts.failures, pace) : refresh(facts, pace);
  const auto share =
      milliseconds(static_cast<milliseconds::rep>(static_cast<double>(gap.count()) * jitter / 10));
  return facts.asked + gap + share;
}

}  // namespace tidegate::gateway
