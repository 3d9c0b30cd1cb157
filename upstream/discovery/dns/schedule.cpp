#include "upstream/discovery/dns/schedule.hpp"

#include <algorithm>

namespace tidegate::upstream::dns {
namespace {

using namespace std::chrono_literals;
using Span = std::chrono::steady_clock::duration;

constexpr Span first_back_off = 1s;
constexpr Span longest_back_off = 10s;
// A day bounds what comes off the wire before it is computed with.
constexpr std::chrono::seconds longest_ttl = 24h;

Span scale(Span span, double factor) {
  return Span(static_cast<Span::rep>(static_cast<double>(span.count()) * factor));
}

Span clamp_ttl(std::optional<std::chrono::seconds> ttl, const conf::Resolver& settings) {
  const Span wanted = std::min(ttl.value_or(0s), longest_ttl);
  return std::min<Span>(std::max<Span>(wanted, settings.min_ttl), settings.max_ttl);
}

// An answer that says for how long there will be nothing is not asked for again before, within the bound.
Span back_off(const Outcome& outcome, const conf::Resolver& settings) {
  const auto longest = std::min<Span>(longest_back_off, settings.max_ttl);
  auto gap = first_back_off;
  for (int failure = 1; failure < outcome.failures && gap < longest; ++failure) gap *= 2;
  if (!outcome.renewed) gap = std::max<Span>(gap, std::min(outcome.ttl.value_or(0s), longest_ttl));
  return std::min(gap, longest);
}

}  // namespace

Outcome outcome_of(const Finding& finding, int failures) {
  Outcome outcome;
  outcome.renewed = finding.has_records();
  bool failed = !outcome.renewed;
  for (const auto& answer : finding.answers) {
    failed |= answer.kind == AnswerKind::failed || answer.kind == AnswerKind::unanswered;
    // Beside records, a family that has none is asked along with them, however long that may be remembered.
    if (outcome.renewed && answer.kind != AnswerKind::records) continue;
    if (answer.ttl) outcome.ttl = std::min(outcome.ttl.value_or(*answer.ttl), *answer.ttl);
  }
  outcome.failures = failed ? failures + 1 : 0;
  return outcome;
}

TimePoint next_question(const Outcome& outcome, const conf::Resolver& settings, double jitter,
                        TimePoint now) {
  const auto refresh = scale(clamp_ttl(outcome.ttl, settings), 0.9 + jitter / 20);  // 85 to 95 %
  if (outcome.failures == 0) return now + refresh;
  const auto retry = scale(back_off(outcome, settings), 0.9 + jitter / 10);  // 80 to 100 %
  return now + (outcome.renewed ? std::min(refresh, retry) : retry);
}

}  // namespace tidegate::upstream::dns
