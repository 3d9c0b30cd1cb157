// Whether another try may follow, as tables (RFC 9110 9.2.2 says which methods may be repeated).
#include <algorithm>
#include <vector>

#include "gateway/exchange/retry.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;
using Outcome = AttemptOutcome;

namespace {

const net::TimePoint kNow = net::TimePoint() + 1000h;
const net::TimePoint kLater = kNow + 10s;

NextTry decide(const TryFacts& facts, const conf::RetryPolicy& policy = {}) {
  return decide_retry(policy, facts, kNow, kLater);
}

TryFacts failed(Outcome outcome, bool sent, bool idempotent) {
  TryFacts facts;
  facts.outcome = outcome;
  facts.sent = sent;
  facts.idempotent = idempotent;
  facts.other_endpoint = true;
  facts.tries = 1;
  return facts;
}

}  // namespace

TEST_CASE("before a byte was sent anything may be repeated, after it only what is idempotent") {
  for (const auto outcome :
       {Outcome::refused, Outcome::connect_timeout, Outcome::unreachable, Outcome::connect_failed}) {
    CAPTURE(name_of(outcome));
    CHECK(decide(failed(outcome, false, false)) == NextTry::elsewhere);
    CHECK(decide(failed(outcome, false, true)) == NextTry::elsewhere);
  }
  for (const auto outcome :
       {Outcome::reset, Outcome::closed, Outcome::write_timeout, Outcome::response_timeout}) {
    CAPTURE(name_of(outcome));
    CHECK(decide(failed(outcome, true, true)) == NextTry::elsewhere);
    CHECK(decide(failed(outcome, true, false)) == NextTry::stop);
  }
}

TEST_CASE("a request whose body was begun is never repeated") {
  for (const auto outcome : {Outcome::refused, Outcome::reset, Outcome::closed, Outcome::stale}) {
    CAPTURE(name_of(outcome));
    auto facts = failed(outcome, true, true);
    facts.body_consumed = true;
    CHECK(decide(facts) == NextTry::stop);
    facts.reused = true;
    CHECK(decide(facts) == NextTry::stop);
  }
}

TEST_CASE("nothing is repeated for a client that has left, or after an answer that is no HTTP") {
  for (const auto outcome : {Outcome::abandoned, Outcome::bad_answer, Outcome::upgrade_failed}) {
    CAPTURE(name_of(outcome));
    CHECK(decide(failed(outcome, false, true)) == NextTry::stop);
  }
}

TEST_CASE("a stale pooled connection is replaced for free, once, even where retries are off") {
  conf::RetryPolicy off;
  off.enabled = false;
  for (const auto outcome : {Outcome::reset, Outcome::closed, Outcome::stale}) {
    CAPTURE(name_of(outcome));
    auto facts = failed(outcome, true, true);
    facts.reused = true;
    CHECK(decide(facts) == NextTry::new_connection);
    CHECK(decide(facts, off) == NextTry::new_connection);
    facts.reused_retry_used = true;
    CHECK(decide(facts) == NextTry::elsewhere);
    CHECK(decide(facts, off) == NextTry::stop);
  }
  auto post = failed(Outcome::closed, true, false);
  post.reused = true;
  CHECK(decide(post) == NextTry::stop);  // its bytes went out: nobody knows what became of them
}

TEST_CASE("answers are retried for upgrades, and for requests only where asked") {
  for (const int status : {502, 503, 504}) {
    CAPTURE(status);
    auto facts = failed(Outcome::answered, true, true);
    facts.status = status;
    CHECK(decide(facts) == NextTry::stop);
    conf::RetryPolicy asked;
    asked.requests.status_502 = asked.requests.status_503 = asked.requests.status_504 = true;
    CHECK(decide(facts, asked) == NextTry::elsewhere);
    facts.upgrade = true;
    CHECK(decide(facts) == NextTry::elsewhere);
    // Every endpoint gave it: then it is the answer.
    facts.other_endpoint = false;
    CHECK(decide(facts) == NextTry::stop);
    facts.virtual_address = true;  // behind which there are others
    CHECK(decide(facts) == NextTry::later);
  }
  for (const int status : {200, 401, 404, 426, 429, 500, 501, 505}) {
    auto facts = failed(Outcome::answered, true, true);
    facts.status = status;
    facts.upgrade = true;
    CHECK(decide(facts) == NextTry::stop);
  }
}

TEST_CASE("another endpoint first, then the same anew after a pause") {
  auto facts = failed(Outcome::refused, false, true);
  CHECK(decide(facts) == NextTry::elsewhere);
  facts.other_endpoint = false;
  CHECK(decide(facts) == NextTry::later);
}

TEST_CASE("a request that was lost with its pods five times is not carried on") {
  auto facts = failed(Outcome::closed, true, true);
  facts.upgrade = true;
  for (int lost = 0; lost < 5; ++lost) {
    facts.lost = lost;
    CHECK(decide(facts) == NextTry::elsewhere);
  }
  facts.lost = 5;
  CHECK(decide(facts) == NextTry::stop);
}

TEST_CASE("tries and time bound all retries") {
  auto facts = failed(Outcome::refused, false, true);
  conf::RetryPolicy three;
  three.tries = 3;
  facts.tries = 2;
  CHECK(decide(facts, three) == NextTry::elsewhere);
  facts.tries = 3;
  CHECK(decide(facts, three) == NextTry::stop);
  CHECK(decide(facts) == NextTry::elsewhere);
  CHECK(decide_retry({}, facts, kLater, kLater) == NextTry::stop);
  conf::RetryPolicy off;
  off.enabled = false;
  CHECK(decide(facts, off) == NextTry::stop);
}

TEST_CASE("only the outcomes that are named are retried") {
  struct Row {
    bool conf::RetryOn::*named;
    std::vector<Outcome> outcomes;
  };
  const Row rows[] = {
      {&conf::RetryOn::refused, {Outcome::refused}},
      {&conf::RetryOn::connect,
       {Outcome::refused, Outcome::connect_timeout, Outcome::unreachable, Outcome::connect_failed}},
      {&conf::RetryOn::reset, {Outcome::reset, Outcome::closed, Outcome::stale}},
      {&conf::RetryOn::timeout,
       {Outcome::connect_timeout, Outcome::write_timeout, Outcome::response_timeout}},
  };
  for (const auto& row : rows) {
    conf::RetryPolicy policy;
    policy.requests = {false, false, false, false, false, false, false};
    policy.requests.*row.named = true;
    for (const auto outcome : {Outcome::refused, Outcome::connect_timeout, Outcome::unreachable,
                               Outcome::connect_failed, Outcome::reset, Outcome::closed, Outcome::stale,
                               Outcome::write_timeout, Outcome::response_timeout}) {
      CAPTURE(&row - rows, name_of(outcome));
      const bool named = std::find(row.outcomes.begin(), row.outcomes.end(), outcome) != row.outcomes.end();
      CHECK((decide(failed(outcome, false, true), policy) == NextTry::elsewhere) == named);
    }
  }
}

TEST_CASE("the pause doubles up to sixteen times and is spread over its upper half") {
  CHECK(retry_pause(20ms, 1, 0.0) == 10ms);
  CHECK(retry_pause(20ms, 1, 0.999) == 19ms);
  CHECK(retry_pause(20ms, 2, 0.0) == 20ms);
  CHECK(retry_pause(20ms, 5, 0.0) == 160ms);
  CHECK(retry_pause(20ms, 6, 0.0) == 160ms);
  CHECK(retry_pause(20ms, 1'000'000, 0.0) == 160ms);
  CHECK(retry_pause(20ms, 0, 0.0) == 10ms);
}

TEST_CASE("idempotent methods are those of RFC 9110 9.2.2, in their exact case") {
  for (const auto* method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
    CHECK(is_idempotent(method));
  for (const auto* method : {"POST", "PATCH", "CONNECT", "get", "", "GETX"})
    CHECK_FALSE(is_idempotent(method));
}

TEST_CASE("retries in flight are a share of the active requests, and some are always allowed") {
  conf::RetryPolicy policy;  // 20 %, at least 10
  CHECK(within_budget(policy, 1, 9));
  CHECK_FALSE(within_budget(policy, 1, 10));
  CHECK(within_budget(policy, 1000, 199));
  CHECK_FALSE(within_budget(policy, 1000, 200));
  policy.budget_minimum = 0;
  policy.budget_percent = 0;
  CHECK_FALSE(within_budget(policy, 1000, 0));
}

TEST_CASE("a handshake whose pod sent the client away is made anew, but not at every pod there is") {
  auto facts = failed(Outcome::redriven, true, true);
  facts.upgrade = true;
  facts.lost = 1;
  CHECK(decide(facts) == NextTry::elsewhere);
  facts.other_endpoint = false;
  CHECK(decide(facts) == NextTry::later);
  facts.lost = conf::RetryPolicy().lost_tries;
  CHECK(decide(facts) == NextTry::stop);
  facts.lost = 1;
  conf::RetryPolicy off;
  off.enabled = false;
  CHECK(decide(facts, off) == NextTry::stop);
  // Whatever else it may be repeated for, the route has asked for this.
  conf::RetryPolicy nothing;
  nothing.upgrades = {false, false, false, false, false, false, false};
  CHECK(decide(facts, nothing) == NextTry::later);
}
