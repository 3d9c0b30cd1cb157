#include "gateway/process/fault_spell.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const net::TimePoint kNow = net::TimePoint() + 1000h;

}  // namespace

TEST_CASE("a fault is said at first and then once in a while, whatever succeeds in between") {
  FaultSpell spell(10s);
  CHECK_FALSE(spell.ends(kNow));
  CHECK(spell.begin_or_go_on(kNow));
  for (auto later = 100ms; later < 10s; later += 100ms) {
    CHECK_FALSE(spell.ends(kNow + later));
    CHECK_FALSE(spell.begin_or_go_on(kNow + later));
  }
  CHECK(spell.begin_or_go_on(kNow + 10s));
  CHECK_FALSE(spell.begin_or_go_on(kNow + 11s));
}

TEST_CASE("a fault that has not come for a while is over, once, and a new one is said at once") {
  FaultSpell spell(10s);
  CHECK(spell.begin_or_go_on(kNow));
  CHECK_FALSE(spell.begin_or_go_on(kNow + 5s));
  CHECK_FALSE(spell.ends(kNow + 14s));
  CHECK(spell.ends(kNow + 15s));
  CHECK_FALSE(spell.ends(kNow + 16s));
  CHECK(spell.begin_or_go_on(kNow + 16s));
}
