#include "gateway/tunnel/departure.hpp"

#include <cstdlib>

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

constexpr ReturnRoom kRoom{.places = 1'000'000};
const net::TimePoint kBegin{1h};

struct Run {
  explicit Run(const DeparturePlan& plan) : departure(plan, kBegin), left(plan.sockets) {}

  // As a worker does: asks when it said it would.
  void until(net::TimePoint end, const ReturnRoom& room = kRoom) {
    while (departure.next() <= end) {
      REQUIRE(departure.next() > now);
      now = departure.next();
      const auto closed = departure.take_due(now, left, room);
      REQUIRE(closed <= left);
      left -= closed;
      if (left == 0) return;
    }
  }

  Departure departure;
  std::size_t left;
  net::TimePoint now = kBegin;
};

}  // namespace

TEST_CASE("closes are spread evenly over the window: each second within a fifth of the pace") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Run run({.sockets = 1'000, .window = 10s, .deadline = 60s, .seed = seed});
    for (int second = 1; second <= 10; ++second) {
      const auto before = run.left;
      run.until(kBegin + second * 1s);
      CHECK(std::abs(static_cast<int>(before - run.left) - 100) <= 20);
    }
    CHECK(run.left == 0);
  }
}

TEST_CASE("moments differ from seed to seed, and lie within the part of the window that each has") {
  Run first({.sockets = 10, .window = 1s, .deadline = 60s, .seed = 1});
  Run second({.sockets = 10, .window = 1s, .deadline = 60s, .seed = 2});
  CHECK(first.departure.next() != second.departure.next());
  for (int part = 1; part <= 10; ++part) {
    first.until(kBegin + part * 100ms);
    CHECK(first.left == static_cast<std::size_t>(10 - part));
  }
}

TEST_CASE("never faster than clients can be taken") {
  Run run({.sockets = 1'000, .window = 1s, .most_per_second = 100, .deadline = 60s});
  run.until(kBegin + 5s);
  CHECK(std::abs(static_cast<int>(run.left) - 500) <= 2);
  run.until(kBegin + 11s);
  CHECK(run.left == 0);
}

TEST_CASE("while clients could not come back nobody is closed, and nothing is made up for") {
  for (const auto& none : {ReturnRoom{.places = 0}, ReturnRoom{.places = 10, .reconnects_fail = true}}) {
    Run run({.sockets = 100, .window = 10s, .deadline = 60s});
    run.until(kBegin + 5s);
    CHECK(run.left == 50);
    run.until(kBegin + 20s, none);
    CHECK(run.left == 50);
    run.until(kBegin + 21s);
    CHECK(std::abs(static_cast<int>(run.left) - 40) <= 2);
  }
}

TEST_CASE("no more at once than there are places, and the others in their turn") {
  Departure departure({.sockets = 100, .window = 1s, .deadline = 60s}, kBegin);
  CHECK(departure.take_due(kBegin + 1s, 100, {.places = 7}) == 7);
  CHECK(departure.take_due(kBegin + 1s + 10ms, 93, {.places = 7}) <= 2);
}

TEST_CASE("at the deadline all that are left go, whatever the room") {
  Run run({.sockets = 100, .window = 10s, .deadline = 15s});
  run.until(kBegin + 14s, {.places = 0});
  CHECK(run.left == 100);
  run.until(kBegin + 15s, {.places = 0});
  CHECK(run.left == 0);
}

TEST_CASE("those who go by themselves are closes too") {
  Departure departure({.sockets = 100, .window = 10s, .deadline = 60s}, kBegin);
  CHECK(departure.take_due(kBegin + 1s, 50, kRoom) == 0);
  CHECK(departure.take_due(kBegin + 5s, 50, kRoom) <= 1);
  CHECK(departure.take_due(kBegin + 6s, 49, kRoom) >= 9);
}

TEST_CASE("more sockets than were announced go when the window is over") {
  Departure departure({.sockets = 10, .window = 1s, .deadline = 60s}, kBegin);
  CHECK(departure.take_due(kBegin + 500ms, 20, kRoom) <= 6);
  CHECK(departure.take_due(kBegin + 2s, 15, kRoom) == 15);
}

TEST_CASE("the idlest go first") {
  const std::vector<net::TimePoint> active{kBegin + 3s, kBegin + 1s, kBegin + 2s};
  CHECK(idle_longest(active, 2) == std::vector<std::size_t>{1, 2});
  CHECK(idle_longest(active, 9).size() == 3);
  CHECK(idle_longest({}, 3).empty());
}

TEST_CASE("who was sent away is awaited for some seconds, unless somebody comes") {
  Absentees absentees;
  absentees.leave(3, kBegin);
  absentees.leave(0, kBegin + 1s);
  absentees.leave(2, kBegin + 2s);
  CHECK(absentees.count(kBegin + 2s) == 5);
  absentees.come_back(1);
  CHECK(absentees.count(kBegin + 2s) == 4);
  CHECK(absentees.count(kBegin + 6s) == 2);  // the others are not awaited any more
  absentees.come_back(9);
  CHECK(absentees.count(kBegin + 6s) == 0);
}

TEST_CASE("what an endpoint has above its share and the tolerance can be moved") {
  using Surpluses = std::vector<std::size_t>;
  CHECK(surpluses(std::vector<EndpointLoad>{{90, 1}, {30, 1}, {0, 1}}, 20) == Surpluses{42, 0, 0});
  CHECK(surpluses(std::vector<EndpointLoad>{{48, 1}, {40, 1}, {32, 1}}, 20) == Surpluses{0, 0, 0});
  CHECK(surpluses(std::vector<EndpointLoad>{{90, 3}, {30, 1}}, 1) == Surpluses{0, 0});
  CHECK(surpluses(std::vector<EndpointLoad>{{90, 1}, {30, 3}}, 10) == Surpluses{57, 0});
  CHECK(surpluses(std::vector<EndpointLoad>{{90, 1}}, 1) == Surpluses{0});
  CHECK(surpluses(std::vector<EndpointLoad>{{0, 1}, {0, 1}}, 1) == Surpluses{0, 0});
  CHECK(surpluses({}, 1).empty());
}
