#include "health/verdict.hpp"

namespace tidegate::health {
namespace {

bool acts_at_once(ProbeOutcome outcome) {
  return outcome == ProbeOutcome::not_ready || outcome == ProbeOutcome::refused ||
         outcome == ProbeOutcome::reset;
}

}  // namespace

std::optional<Verdict> VerdictCounter::turn(Verdict verdict) {
  if (verdict == verdict_) return std::nullopt;
  verdict_ = verdict;
  return verdict;
}

std::optional<Verdict> VerdictCounter::count(ProbeOutcome outcome, const VerdictRules& rules,
                                             std::chrono::steady_clock::duration age) {
  if (outcome == ProbeOutcome::internal) return std::nullopt;
  const bool passes = outcome == ProbeOutcome::pass;
  if (!passes && verdict_ == Verdict::unknown && age < rules.initial_delay) {
    run_ = 0;
    return std::nullopt;
  }
  run_ = passes == passing_ ? run_ + 1 : 1;
  passing_ = passes;
  if (passes) return run_ >= rules.success_threshold ? turn(Verdict::pass) : std::nullopt;
  return acts_at_once(outcome) || run_ >= rules.failure_threshold ? turn(Verdict::fail) : std::nullopt;
}

void VerdictCounter::fail() {
  verdict_ = Verdict::fail;
  passing_ = false;
  run_ = 0;
}

}  // namespace tidegate::health
