#include "gateway/observe/failure_limiter.hpp"

#include <string>

#include "gateway/observe/proxy_status.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const FailureLimiter::TimePoint start{1000s};
constexpr auto refused = FailureReason::connection_refused;
constexpr auto timeout = FailureReason::connection_timeout;

FailureKind of(FailureReason reason, std::string_view upstream) {
  FailureKind kind;
  kind.reason = reason;
  kind.upstream = upstream;
  return kind;
}

int admitted_of(FailureLimiter& limiter, int times, FailureReason reason, std::string_view upstream) {
  int admitted = 0;
  for (int i = 0; i < times; ++i) admitted += limiter.admit(of(reason, upstream), start) ? 1 : 0;
  return admitted;
}

}  // namespace

TEST_CASE("an outage of thousands gives a few lines and one count") {
  FailureLimiter limiter;
  CHECK(admitted_of(limiter, 10'000, refused, "soketi") == FailureLimiter::burst);
  CHECK(limiter.expire(start + FailureLimiter::window - 1ms).empty());
  const auto summaries = limiter.expire(start + FailureLimiter::window);
  REQUIRE(summaries.size() == 1);
  CHECK(summaries[0].reason() == refused);
  CHECK(summaries[0].subject() == " upstream=soketi");
  CHECK(summaries[0].suppressed() == 10'000 - FailureLimiter::burst);
  CHECK(limiter.finish().empty());
}

TEST_CASE("reasons and upstreams are limited apart") {
  FailureLimiter limiter;
  CHECK(admitted_of(limiter, 100, refused, "a") == FailureLimiter::burst);
  CHECK(admitted_of(limiter, 100, refused, "b") == FailureLimiter::burst);
  CHECK(admitted_of(limiter, 100, timeout, "a") == FailureLimiter::burst);
  CHECK(limiter.finish().size() == 3);
}

TEST_CASE("few failures are all said and leave no summary") {
  FailureLimiter limiter;
  CHECK(admitted_of(limiter, 5, refused, "a") == 5);
  CHECK(limiter.expire(start + 1h).empty());
  CHECK(admitted_of(limiter, 5, refused, "a") == 5);
}

TEST_CASE("a new window lets the next failures through") {
  FailureLimiter limiter;
  CHECK(admitted_of(limiter, 6, refused, "a") == 5);
  CHECK_FALSE(limiter.admit(of(refused, "a"), start + FailureLimiter::window));
  CHECK(limiter.expire(start + FailureLimiter::window).at(0).suppressed() == 2);
  CHECK(limiter.admit(of(refused, "a"), start + FailureLimiter::window));
}

TEST_CASE("one limit, route or endpoint that is flooded does not silence another") {
  AccessRecord record;
  record.failure = FailureReason::too_many_requests;
  record.status = 429;
  record.server_address = "0.0.0.0:80";
  record.route = "api";
  record.limit = "per-client";
  const auto flooded = kind_of(record);
  FailureLimiter limiter;
  for (int i = 0; i < 100; ++i) (void)limiter.admit(flooded, start);
  CHECK_FALSE(limiter.admit(flooded, start));
  record.limit = "joining";
  CHECK(limiter.admit(kind_of(record), start));
  record.limit = "per-client";
  record.route = "sockets";
  CHECK(limiter.admit(kind_of(record), start));
  CHECK(limiter.finish().at(0).subject() == " route=api limit=per-client");
}

TEST_CASE("a failure of an endpoint's own is told apart by it, one of all of them is not") {
  AccessRecord record;
  record.failure = FailureReason::connection_refused;
  record.route = "api";
  record.upstream = "pods";
  record.attempts.push_back({.endpoint = "10.0.0.1:80", .outcome = AttemptOutcome::refused});
  record.attempts.push_back({.endpoint = "10.0.0.2:80", .outcome = AttemptOutcome::refused});
  CHECK(kind_of(record).endpoint == "10.0.0.2:80");
  record.failure = FailureReason::hold_expired;
  CHECK(kind_of(record).endpoint.empty());
  record.failure = FailureReason::no_route;
  record.route = {};
  record.server_address = "0.0.0.0:80";
  CHECK(kind_of(record).listener == "0.0.0.0:80");
}

TEST_CASE("there are never more than so many kinds") {
  FailureLimiter limiter;
  int admitted = 0;
  for (int i = 0; i < 10'000; ++i)
    admitted += limiter.admit(of(refused, "pods" + std::to_string(i)), start) ? 1 : 0;
  CHECK(admitted == static_cast<int>(FailureLimiter::most_kinds + FailureLimiter::burst));
  const auto summaries = limiter.finish();
  REQUIRE(summaries.size() == 1);
  CHECK(summaries[0].subject().empty());
  CHECK(summaries[0].suppressed() == 10'000 - FailureLimiter::most_kinds - FailureLimiter::burst);
}
