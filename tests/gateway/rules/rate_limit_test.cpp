#include "gateway/process/rate_limit.hpp"

#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

const net::TimePoint kStart = net::TimePoint() + 1000h;

// What one event gets: `admitted` and its wait in milliseconds.
struct Outcome {
  bool admitted;
  std::int64_t wait;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << (outcome.admitted ? "in" : "out") << " " << outcome.wait;
}

Outcome ask(const conf::RateLimit& limit, Due& due, milliseconds at) {
  const auto verdict = look_at(limit, due, kStart + at);
  if (verdict.admitted) due = count_event(limit, due, kStart + at);
  return {verdict.admitted, std::chrono::duration_cast<milliseconds>(verdict.wait).count()};
}

// nginx's limit_req by its documentation: the excess in thousandths, leaking by the millisecond.
class Reference {
 public:
  Reference(std::int64_t rate, std::int64_t burst, std::int64_t delay)
      : rate_(rate * 1000), burst_(burst * 1000), delay_(delay * 1000) {}

  Outcome ask(std::int64_t now) {
    const auto leaked = rate_ * (now - last_) / 1000;
    const auto excess = known_ ? std::max<std::int64_t>(excess_ - leaked + 1000, 0) : 0;
    if (excess > burst_) return {false, (excess - burst_) * 1000 / rate_};
    known_ = true;
    excess_ = excess;
    last_ = now;
    return {true, std::max<std::int64_t>(excess - delay_, 0) * 1000 / rate_};
  }

 private:
  std::int64_t rate_, burst_, delay_;
  std::int64_t excess_ = 0, last_ = 0;
  bool known_ = false;
};

}  // namespace

TEST_CASE("a rate without burst lets one in per interval") {
  const conf::RateLimit ten{100ms};
  Due due = 0;
  CHECK(ask(ten, due, 0ms) == Outcome{true, 0});
  CHECK(ask(ten, due, 0ms) == Outcome{false, 100});
  CHECK(ask(ten, due, 60ms) == Outcome{false, 40});
  CHECK(ask(ten, due, 99ms) == Outcome{false, 1});
  CHECK(ask(ten, due, 100ms) == Outcome{true, 0});
  CHECK(ask(ten, due, 10'000ms) == Outcome{true, 0});
  CHECK(ask(ten, due, 10'000ms) == Outcome{false, 100});
}

TEST_CASE("a burst is taken, its delayed part waits its turn, and what is beyond it is refused") {
  struct Row {
    conf::RateLimit limit;
    std::vector<Outcome> at_once;  // events in the same moment
  };
  const Row rows[] = {
      {{100ms, 3, 0, false}, {{true, 0}, {true, 100}, {true, 200}, {true, 300}, {false, 100}, {false, 100}}},
      {{100ms, 3, 0, true}, {{true, 0}, {true, 0}, {true, 0}, {true, 0}, {false, 100}}},
      {{100ms, 3, 2, false}, {{true, 0}, {true, 0}, {true, 0}, {true, 100}, {false, 100}}},
      {{1s, 1, 1, false}, {{true, 0}, {true, 0}, {false, 1000}}},
      {{100ms, 0, 0, true}, {{true, 0}, {false, 100}}},
  };
  for (const auto& row : rows) {
    Due due = 0;
    for (const auto& expected : row.at_once) CHECK(ask(row.limit, due, 0ms) == expected);
  }
}

TEST_CASE("what is refused adds nothing: trying on does not keep a client out") {
  const conf::RateLimit limit{100ms, 1, 0, true};
  Due due = 0;
  CHECK(ask(limit, due, 0ms).admitted);
  CHECK(ask(limit, due, 0ms).admitted);
  for (int at = 1; at < 100; ++at) CHECK_FALSE(ask(limit, due, milliseconds(at)).admitted);
  CHECK(ask(limit, due, 100ms).admitted);
}

TEST_CASE("an event that is taken back leaves the bucket as it was") {
  const conf::RateLimit limit{100ms, 2, 0, true};
  Due due = 0;
  for (int i = 0; i < 3; ++i) CHECK(ask(limit, due, 0ms).admitted);
  CHECK_FALSE(ask(limit, due, 0ms).admitted);
  due = uncount_event(limit, due);
  CHECK(ask(limit, due, 0ms).admitted);
  CHECK_FALSE(ask(limit, due, 0ms).admitted);
  Due other = uncount_event(limit, count_event(limit, 0, kStart));
  CHECK(is_empty(other, kStart));
}

TEST_CASE("it admits and delays what the arithmetic of limit_req does, whatever comes when") {
  std::uint64_t random = 88172645463325252ULL;
  const auto next = [&random](std::uint64_t below) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return static_cast<std::int64_t>(random % below);
  };
  for (int run = 0; run < 200; ++run) {
    // Rates whose interval is a whole number of milliseconds: else nginx rounds.
    constexpr std::int64_t rates[] = {1, 2, 5, 10, 20, 50, 100};
    const auto rate = rates[next(7)];
    const auto burst = next(20);
    const auto delay = next(static_cast<std::uint64_t>(burst) + 1);
    const conf::RateLimit limit{std::chrono::nanoseconds(1s) / rate, static_cast<std::uint32_t>(burst),
                                static_cast<std::uint32_t>(delay), false};
    Reference reference(rate, burst, delay);
    Due due = 0;
    std::int64_t now = 0;
    for (int i = 0; i < 200; ++i) {
      now += next(3) == 0 ? 0 : next(static_cast<std::uint64_t>(2000 / rate) + 1);
      CAPTURE(rate, burst, delay, now);
      REQUIRE(ask(limit, due, milliseconds(now)) == reference.ask(now));
    }
  }
}

TEST_CASE("Retry-After is in whole seconds, at least one") {
  CHECK(retry_after_seconds(0ns) == 1);
  CHECK(retry_after_seconds(1ms) == 1);
  CHECK(retry_after_seconds(1s) == 1);
  CHECK(retry_after_seconds(1001ms) == 2);
  CHECK(retry_after_seconds(24h) == 86'400);
}
