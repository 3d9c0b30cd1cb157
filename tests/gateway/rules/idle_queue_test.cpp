#include "gateway/process/idle_queue.hpp"

#include <memory>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const net::TimePoint kNow = net::TimePoint() + 1000h;
constexpr std::uint64_t kStranger = 99;  // a client that has no other connection

struct Connection final : IdleNode {
  explicit Connection(std::uint64_t client = 0) { set_client(client); }
  bool give_way() override {
    if (!busy) closed = true;
    return !busy;
  }
  bool busy = false;  // a request has arrived
  bool closed = false;
};

}  // namespace

TEST_CASE("the longest idle connection is closed first, those kept alive before newcomers") {
  IdleQueue kept;
  IdleQueue newcomers;
  Connection first, second, quiet;
  newcomers.enter(quiet, kNow);
  kept.enter(first, kNow + 1s);
  kept.enter(second, kNow + 2s);
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow + 10s}, 2s));
  CHECK(first.closed);
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow + 10s}, 2s));
  CHECK(second.closed);
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow + 10s}, 2s));
  CHECK(quiet.closed);
  CHECK_FALSE(shed_longest(kept, newcomers, {kStranger, kNow + 10s}, 2s));
}

TEST_CASE("a newcomer has time to send its first request") {
  IdleQueue kept;
  IdleQueue newcomers;
  Connection quiet;
  newcomers.enter(quiet, kNow);
  CHECK_FALSE(shed_longest(kept, newcomers, {kStranger, kNow + 1999ms}, 2s));
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow + 2s}, 2s));
}

TEST_CASE("a connection whose request has arrived is passed over") {
  IdleQueue kept;
  IdleQueue newcomers;
  Connection busy, idle;
  busy.busy = true;
  kept.enter(busy, kNow);
  kept.enter(idle, kNow);
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow}, 2s));
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

TEST_CASE("of a bounded queue the longest gives way to who comes") {
  IdleQueue queue;
  Connection first, second, third;
  CHECK_FALSE(enter_bounded(queue, first, 2, kNow));
  CHECK_FALSE(enter_bounded(queue, second, 2, kNow + 1s));
  CHECK(enter_bounded(queue, third, 2, kNow + 2s));
  CHECK(first.closed);
  CHECK_FALSE(first.is_queued());
  CHECK(queue.size() == 2);
  CHECK(queue.longest() == &second);
  third.leave();
  CHECK(queue.size() == 1);
}

TEST_CASE("who has more than the newcomer would have pays with his own, young as they are") {
  IdleQueue kept;
  IdleQueue newcomers;
  std::vector<std::unique_ptr<Connection>> all;
  const auto come = [&](std::uint64_t client) {
    all.push_back(std::make_unique<Connection>(client));
    newcomers.enter(*all.back(), kNow);
    return all.back().get();
  };
  auto* const single = come(1);
  auto* const first = come(7);
  for (int i = 0; i < 2; ++i) come(7);
  for (int i = 0; i < 2; ++i) come(8);
  CHECK_FALSE(shed_longest(kept, newcomers, {7, kNow}, 2s));          // he would have the most himself
  CHECK(shed_longest(kept, newcomers, {8, kNow + 1s}, 2s) == false);  // three each then
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow}, 2s));
  CHECK(first->closed);
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow}, 2s));
  CHECK(shed_longest(kept, newcomers, {kStranger, kNow}, 2s));
  CHECK_FALSE(shed_longest(kept, newcomers, {kStranger, kNow}, 2s));  // one each
  CHECK_FALSE(single->closed);
}

TEST_CASE("clients that nobody is told by are no crowd, and crowd nobody out") {
  IdleQueue kept;
  IdleQueue newcomers;
  std::vector<std::unique_ptr<Connection>> all;
  for (const std::uint64_t client : {0U, 7U}) {
    for (int i = 0; i < 30; ++i) {
      all.push_back(std::make_unique<Connection>(client));
      newcomers.enter(*all.back(), kNow);
    }
    CHECK_FALSE(shed_longest(kept, newcomers, {client == 0 ? kStranger : 0, kNow}, 2s));
  }
}

TEST_CASE("of a full bounded queue one of a crowd gives way, of the newcomer's own client if that is it") {
  constexpr std::size_t kMost = 20;
  IdleQueue queue;
  Connection honest(1);
  enter_bounded(queue, honest, kMost, kNow);
  std::vector<std::unique_ptr<Connection>> crowd;
  for (int i = 0; i < 25; ++i) {
    crowd.push_back(std::make_unique<Connection>(7));
    enter_bounded(queue, *crowd.back(), kMost, kNow);
  }
  CHECK_FALSE(honest.closed);
  CHECK(crowd.front()->closed);
  CHECK_FALSE(crowd.back()->closed);
  CHECK(queue.size() == kMost);
  Connection second(1);
  CHECK(enter_bounded(queue, second, kMost, kNow));
  CHECK_FALSE(honest.closed);
}
