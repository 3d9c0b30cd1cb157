#include "gateway/tunnel/care.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const net::TimePoint kBegin{1h};

}  // namespace

TEST_CASE("a side is pinged once an interval while it is silent, and dead after some of them") {
  Pulse pulse(kBegin);
  CHECK(pulse.look(10s, 3, kBegin + 9s) == PulseNeed::nothing);
  CHECK(pulse.due(10s, 3) == kBegin + 10s);
  CHECK(pulse.look(10s, 3, kBegin + 10s) == PulseNeed::ping);
  pulse.ping(kBegin + 10s);
  CHECK(pulse.look(10s, 3, kBegin + 19s) == PulseNeed::nothing);
  CHECK(pulse.look(10s, 3, kBegin + 20s) == PulseNeed::ping);
  pulse.ping(kBegin + 25s);
  CHECK(pulse.due(10s, 3) == kBegin + 30s);
  CHECK(pulse.look(10s, 3, kBegin + 30s) == PulseNeed::dead);
  pulse.hear(kBegin + 29s);
  CHECK(pulse.look(10s, 3, kBegin + 30s) == PulseNeed::nothing);
  CHECK(pulse.due(10s, 3) == kBegin + 39s);
}

TEST_CASE("a sender within its rate is read on, one ahead of it when the rate has caught up") {
  const conf::SocketRate rate{.messages_per_second = 10, .burst = 500ms};
  SendPace pace;
  CHECK(pace.count(rate, 5, 1'000'000, kBegin) == kBegin);
  CHECK(pace.count(rate, 1, 0, kBegin) == kBegin + 100ms);
  CHECK(pace.count(rate, 0, 0, kBegin + 100ms) == kBegin + 100ms);
  CHECK(pace.count(rate, 5, 0, kBegin + 10s) == kBegin + 10s);
}

TEST_CASE("bytes and messages are counted beside each other") {
  const conf::SocketRate rate{.messages_per_second = 1'000, .bytes_per_second = 1'000, .burst = 1s};
  SendPace pace;
  CHECK(pace.count(rate, 1, 1'000, kBegin) == kBegin);
  CHECK(pace.count(rate, 1, 500, kBegin) == kBegin + 500ms);
  // However large, it does not wrap.
  CHECK(pace.count(rate, 1, ~std::uint64_t{0}, kBegin) > kBegin + 1h);
}
