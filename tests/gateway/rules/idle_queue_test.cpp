#include "gateway/process/idle_queue.hpp"

#include <memory>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const net::TimePoint kNow = net::TimePoint() + 1000h;

struct Connection final : IdleNode {
  bool close_if_idle() override {
    if (!busy) closed = true;
    return !busy;
  }
  bool busy = false;  // a request has arrived
  bool closed = false;
};

}  // namespace

TEST_CASE("the longest idle connection is closed first, those kept alive before the silent ones") {
  IdleQueue kept;
  IdleQueue silent;
  Connection first, second, quiet;
  silent.enter(quiet, kNow);
  kept.enter(first, kNow + 1s);
  kept.enter(second, kNow + 2s);
  CHECK(shed_longest(kept, silent, kNow + 10s, 2s));
  CHECK(first.closed);
  CHECK(shed_longest(kept, silent, kNow + 10s, 2s));
  CHECK(second.closed);
  CHECK(shed_longest(kept, silent, kNow + 10s, 2s));
  CHECK(quiet.closed);
  CHECK_FALSE(shed_longest(kept, silent, kNow + 10s, 2s));
}

TEST_CASE("a newcomer has time to send its first request") {
  IdleQueue kept;
  IdleQueue silent;
  Connection quiet;
  silent.enter(quiet, kNow);
  CHECK_FALSE(shed_longest(kept, silent, kNow + 1999ms, 2s));
  CHECK(shed_longest(kept, silent, kNow + 2s, 2s));
}

TEST_CASE("a connection whose request has arrived is passed over") {
  IdleQueue kept;
  IdleQueue silent;
  Connection busy, idle;
  busy.busy = true;
  kept.enter(busy, kNow);
  kept.enter(idle, kNow);
  CHECK(shed_longest(kept, silent, kNow, 2s));
  CHECK(idle.closed);
  CHECK_FALSE(busy.closed);
}

TEST_CASE("nodes leave from anywhere, return at the end, and leave when they are destroyed") {
  IdleQueue queue;
  std::vector<std::unique_ptr<Connection>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<Connection>());
    queue.enter(*all.back(), kNow + i * 1s);
  }
  all[2]->leave();
  all[2]->leave();
  queue.enter(*all[0], kNow + 9s);
  all[1].reset();
  all[4].reset();
  CHECK(queue.longest() == all[3].get());
  all[3]->leave();
  CHECK(queue.longest() == all[0].get());
  CHECK(queue.longest()->since() == kNow + 9s);
  all[0].reset();
  CHECK(queue.longest() == nullptr);
}
