#include "gateway/process/staple_schedule.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const net::WallTime kAsked = net::WallTime() + std::chrono::hours(500'000);

// From one fetch to the next.
std::chrono::milliseconds gap(int failures, std::optional<std::chrono::milliseconds> left, double jitter) {
  StapleFacts facts{kAsked, failures, std::nullopt};
  if (left) facts.expires = kAsked + *left;
  return std::chrono::duration_cast<std::chrono::milliseconds>(next_fetch(facts, {}, jitter) - kAsked);
}

}  // namespace

TEST_CASE("a response is renewed after half of what it has left") {
  struct Row {
    std::chrono::milliseconds left;
    std::chrono::milliseconds expected;
  };
  const Row rows[] = {{12h, 6h}, {10min, 5min}, {7 * 24h, 24h}, {90s, 1min}, {1s, 1min}, {-1h, 1min}};
  for (const auto& row : rows) {
    CAPTURE(row.left.count());
    CHECK(gap(0, row.left, 0) == row.expected);
    CHECK(gap(0, row.left, 1) == row.expected * 11 / 10);
    CHECK(gap(0, row.left, -1) == row.expected * 9 / 10);
  }
}

TEST_CASE("a response without end is renewed once a day") {
  const StapleFacts facts{kAsked, 0, net::WallTime::max()};
  CHECK(next_fetch(facts, {}, 0) == kAsked + 24h);
}

TEST_CASE("failures are followed by a back-off, whatever is in use") {
  const std::pair<int, std::chrono::milliseconds> rows[] = {
      {1, 1min}, {2, 2min}, {3, 4min}, {6, 32min}, {7, 60min}, {8, 60min}, {1'000'000, 60min}};
  for (const auto& [failures, expected] : rows) {
    CAPTURE(failures);
    CHECK(gap(failures, std::nullopt, 0) == expected);
    CHECK(gap(failures, 48h, 0) == expected);
    CHECK(gap(failures, std::nullopt, 1) == expected * 11 / 10);
  }
}
