#include "health/schedule.hpp"

#include <algorithm>

namespace tidegate::health {
namespace {

using namespace std::chrono_literals;
using Span = std::chrono::steady_clock::duration;

constexpr Span shortest_gap = 50ms;  // between two probes of an endpoint, however many refusals are reported
constexpr Span waiting_gap = 175ms;
constexpr Span waiting_spread = 75ms;  // 100 to 250 ms
constexpr Span failing_gap = 1s;
constexpr Span longest_back_off = 10s;

Span scale(Span span, double factor) {
  return Span(static_cast<Span::rep>(static_cast<double>(span.count()) * factor));
}

Span with_jitter(Span span, double jitter) {
  return span + scale(span, jitter / 10);
}

Span back_off(int failed_checks) {
  auto gap = failing_gap;
  for (int check = 0; check < failed_checks && gap < longest_back_off; ++check) gap *= 2;
  return std::min(gap, longest_back_off);
}

}  // namespace

std::optional<TimePoint> next_probe(const ScheduleFacts& facts, double jitter) {
  const bool down = facts.verdict == upstream::Verdict::fail;
  if (!facts.period && !down) return std::nullopt;
  if (!facts.last) return TimePoint::min();
  if (facts.period && facts.suspected) return *facts.last + shortest_gap;
  if (facts.waiting && facts.verdict != upstream::Verdict::pass) {
    return *facts.last + waiting_gap + scale(waiting_spread, jitter);
  }
  if (!facts.period) return *facts.last + with_jitter(back_off(facts.failed_checks), jitter);

  const Span period = *facts.period;
  const bool hurried = facts.failing || facts.verdict != upstream::Verdict::pass;
  return *facts.last + with_jitter(hurried ? std::min(period, failing_gap) : period, jitter);
}

}  // namespace tidegate::health
