#include "gateway/exchange/retry.hpp"

#include <algorithm>
#include <array>

namespace tidegate::gateway {
namespace {

bool before_any_byte(AttemptOutcome outcome) {
  switch (outcome) {
    case AttemptOutcome::refused:
    case AttemptOutcome::connect_timeout:
    case AttemptOutcome::unreachable:
    case AttemptOutcome::connect_failed:
    case AttemptOutcome::no_local_port:
    case AttemptOutcome::no_local_resources:
    case AttemptOutcome::tls_failed: return true;
    default: return false;
  }
}

bool status_named(const conf::RetryOn& on, int status) {
  return (status == 502 && on.status_502) || (status == 503 && on.status_503) ||
         (status == 504 && on.status_504);
}

bool outcome_named(const conf::RetryOn& on, const TryFacts& facts) {
  switch (facts.outcome) {
    case AttemptOutcome::refused: return on.refused || on.connect;
    case AttemptOutcome::connect_timeout: return on.timeout || on.connect;
    case AttemptOutcome::unreachable:
    case AttemptOutcome::connect_failed:
    case AttemptOutcome::no_local_port:
    case AttemptOutcome::no_local_resources:
    case AttemptOutcome::tls_failed: return on.connect;
    case AttemptOutcome::stale:
    case AttemptOutcome::reset:
    case AttemptOutcome::closed: return on.reset;
    case AttemptOutcome::write_timeout:
    case AttemptOutcome::response_timeout: return on.timeout;
    case AttemptOutcome::answered: return status_named(on, facts.status);
    case AttemptOutcome::redriven: return true;  // asked for by the route
    default: return false;
  }
}

bool repeatable(const TryFacts& facts) {
  if (facts.body_consumed) return false;
  return before_any_byte(facts.outcome) || !facts.sent || facts.upgrade || facts.idempotent;
}

}  // namespace

NextTry decide_retry(const conf::RetryPolicy& policy, const TryFacts& facts, net::TimePoint now,
                     net::TimePoint deadline) {
  if (facts.outcome == AttemptOutcome::abandoned || !repeatable(facts)) return NextTry::stop;
  const bool broken = facts.outcome == AttemptOutcome::reset || facts.outcome == AttemptOutcome::closed ||
                      facts.outcome == AttemptOutcome::stale;
  // An idle connection that the pod closed as the request went out: no retry in anybody's sense, so it is
  // made even where retries are off.
  if (broken && facts.reused && !facts.reused_retry_used) return NextTry::new_connection;
  if (!policy.enabled || !outcome_named(facts.upgrade ? policy.upgrades : policy.requests, facts))
    return NextTry::stop;
  if (policy.tries > 0 && facts.tries >= policy.tries) return NextTry::stop;
  // A request that its pods do not survive is not carried on to every pod there is.
  if (facts.lost >= policy.lost_tries) return NextTry::stop;
  if (now >= deadline) return NextTry::stop;
  if (facts.other_endpoint) return NextTry::elsewhere;
  // Every endpoint gave this answer: then it is the answer.
  if (facts.outcome == AttemptOutcome::answered && !facts.virtual_address) return NextTry::stop;
  return NextTry::later;
}

conf::Duration retry_pause(conf::Duration back_off, int tries, double random) {
  const int doublings = std::clamp(tries - 1, 0, 4);
  const auto whole = static_cast<double>(back_off.count()) * static_cast<double>(1 << doublings);
  return conf::Duration(static_cast<conf::Duration::rep>(whole * (0.5 + random / 2)));
}

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

bool within_budget(const conf::RetryPolicy& policy, int active_requests, int active_retries) {
  const int share = active_requests * policy.budget_percent / 100;
  return active_retries < std::max(policy.budget_minimum, share);
}

}  // namespace tidegate::gateway
