#include "health/accusers.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using tidegate::health::Accusers;

namespace {

constexpr Accusers::TimePoint kBegin = Accusers::TimePoint() + 1000h;

}  // namespace

TEST_CASE("a client is believed once in a while, each for itself") {
  Accusers accusers;
  CHECK(accusers.believe(1, kBegin));
  CHECK_FALSE(accusers.believe(1, kBegin));
  CHECK_FALSE(accusers.believe(1, kBegin + 4999ms));
  CHECK(accusers.believe(2, kBegin + 1s));
  CHECK(accusers.believe(0, kBegin + 1s));
  CHECK_FALSE(accusers.believe(0, kBegin + 2s));
  CHECK(accusers.believe(1, kBegin + 5s));
  CHECK_FALSE(accusers.believe(1, kBegin + 9s));
}

TEST_CASE("a crowd of clients takes no more than its place, and gives it back") {
  Accusers accusers;
  std::uint64_t client = 0;
  while (client < Accusers::most) REQUIRE(accusers.believe(client++, kBegin));
  CHECK_FALSE(accusers.believe(client, kBegin));
  accusers.forget(kBegin + 4s);
  CHECK_FALSE(accusers.believe(client, kBegin + 4s));
  accusers.forget(kBegin + 5s);
  CHECK(accusers.believe(client, kBegin + 5s));
}
