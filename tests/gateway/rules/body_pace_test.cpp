#include "gateway/exchange/body_pace.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate;
using tidegate::gateway::PaceKeeper;
using namespace std::chrono_literals;

namespace {

const net::TimePoint kNow = net::TimePoint() + 1000h;
const conf::BodyPace kPace{100, 10s};

}  // namespace

TEST_CASE("without a minimum nothing is too slow and no wait is interrupted") {
  PaceKeeper pace(conf::BodyPace{});
  pace.waited(24h);
  CHECK_FALSE(pace.too_slow());
  CHECK(pace.verdict_at(kNow) == net::TimePoint::max());
}

TEST_CASE("the average over a window of waiting decides") {
  PaceKeeper pace(kPace);
  CHECK(pace.verdict_at(kNow) == kNow + 10s);
  pace.waited(4s);
  CHECK(pace.verdict_at(kNow) == kNow + 6s);
  pace.received(999);
  CHECK_FALSE(pace.slow_rate());
  pace.waited(6s);
  CHECK(pace.too_slow());
  CHECK(pace.slow_rate() == 99U);
}

TEST_CASE("a window that was fast enough says nothing about the next") {
  PaceKeeper pace(kPace);
  pace.received(1'000'000);
  pace.waited(10s);
  CHECK_FALSE(pace.too_slow());
  CHECK(pace.verdict_at(kNow) == kNow + 10s);
  pace.received(999);
  pace.waited(10s);
  CHECK(pace.too_slow());
}

TEST_CASE("who is not waited for has all the time") {
  PaceKeeper pace(kPace);
  // The endpoint reads slowly: hours pass, none of them spent waiting for the client.
  for (int i = 0; i < 1'000; ++i) {
    pace.received(10);
    pace.waited(1ms);
    CHECK_FALSE(pace.too_slow());
  }
}
