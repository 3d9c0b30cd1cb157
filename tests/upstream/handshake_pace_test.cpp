#include "upstream/handshake_pace.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::upstream;
using namespace std::chrono_literals;

namespace {

const TimePoint kNow = TimePoint() + 1000h;

int take_all(HandshakePace& pace, TimePoint now) {
  int taken = 0;
  while (taken < 10'000 && pace.take(now)) ++taken;
  return taken;
}

}  // namespace

TEST_CASE("pace: without a rate everybody goes") {
  HandshakePace pace;
  CHECK_FALSE(pace.limits());
  CHECK(take_all(pace, kNow) == 10'000);
}

TEST_CASE("pace: a tenth of a second's worth at once, the rest at the rate") {
  for (const std::uint32_t rate : {1U, 5U, 19U, 20U, 100U, 3'000U, 1'000'000U}) {
    CAPTURE(rate);
    HandshakePace pace;
    pace.set_rate(rate);
    const int burst = take_all(pace, kNow);
    CHECK(burst >= 1);
    if (rate <= 50'000) CHECK(burst <= static_cast<int>(rate / 10 + 1));
    int taken = burst;
    for (int i = 1; i <= 1000; ++i) taken += take_all(pace, kNow + i * 10ms);
    if (rate > 50'000) continue;
    CHECK(taken >= static_cast<int>(rate * 10 - rate / 10) - 1);
    CHECK(taken <= static_cast<int>(rate * 10 + rate / 5) + 1);
  }
}

TEST_CASE("pace: what did not go on counts for nobody") {
  HandshakePace own;
  HandshakePace total;
  own.set_rate(1);
  total.set_rate(1);
  REQUIRE(total.take(kNow));
  CHECK_FALSE(take_both(own, total, kNow));
  CHECK(own.take(kNow));
}

TEST_CASE("pace: a rate can be changed and taken away") {
  HandshakePace pace;
  pace.set_rate(1);
  REQUIRE(pace.take(kNow));
  CHECK_FALSE(pace.take(kNow));
  pace.set_rate(0);
  CHECK(pace.take(kNow));
}
