#include "gateway/observe/failure_log.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const FailureLimiter::TimePoint start{1000s};
constexpr auto refused = FailureReason::connection_refused;
constexpr auto timeout = FailureReason::connection_timeout;

int admitted_of(FailureLimiter& limiter, int times, FailureReason reason, std::string_view upstream) {
  int admitted = 0;
  for (int i = 0; i < times; ++i) admitted += limiter.admit(reason, upstream, start) ? 1 : 0;
  return admitted;
}

}  // namespace

TEST_CASE("an outage of thousands gives a few lines and one count") {
  FailureLimiter limiter;
  CHECK(admitted_of(limiter, 10'000, refused, "soketi") == FailureLimiter::burst);
  CHECK(limiter.expire(start + FailureLimiter::window - 1ms).empty());
  const auto summaries = limiter.expire(start + FailureLimiter::window);
  REQUIRE(summaries.size() == 1);
  CHECK(summaries[0].reason == refused);
  CHECK(summaries[0].upstream == "soketi");
  CHECK(summaries[0].suppressed == 10'000 - FailureLimiter::burst);
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
  CHECK_FALSE(limiter.admit(refused, "a", start + FailureLimiter::window));
  CHECK(limiter.expire(start + FailureLimiter::window).at(0).suppressed == 2);
  CHECK(limiter.admit(refused, "a", start + FailureLimiter::window));
}
