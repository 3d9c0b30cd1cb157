#include <vector>

#include "gateway/exchange/hold.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using tidegate::gateway::HoldQueue;
using namespace std::chrono_literals;

namespace {

const net::TimePoint kNow = net::TimePoint() + 1000h;

// Releases whatever is allowed now.
int release(HoldQueue& queue, net::TimePoint now, int per_second) {
  const int allowed = queue.allowance(now, per_second);
  for (int i = 0; i < allowed; ++i) queue.spend();
  return allowed;
}

}  // namespace

TEST_CASE("who waits first leaves first, over all workers") {
  HoldQueue queue;
  CHECK(queue.empty());
  for (std::uint64_t id = 1; id <= 5; ++id) queue.push({id, static_cast<std::uint32_t>(id % 2)});
  for (std::uint64_t id = 1; id <= 5; ++id) {
    REQUIRE_FALSE(queue.empty());
    const auto ticket = queue.pop();
    CHECK(ticket.id == id);
    CHECK(ticket.worker == id % 2);
  }
  CHECK(queue.empty());
}

TEST_CASE("who leaves the queue is passed over, wherever it stands") {
  HoldQueue queue;
  for (std::uint64_t id = 1; id <= 5; ++id) queue.push({id, 0});
  queue.withdraw(1);
  queue.withdraw(3);
  queue.withdraw(5);
  CHECK(queue.pop().id == 2);
  CHECK(queue.pop().id == 4);
  CHECK(queue.empty());
}

TEST_CASE("a withdrawal that crosses a grant is without effect") {
  HoldQueue queue;
  queue.push({1, 0});
  queue.push({2, 0});
  CHECK(queue.pop().id == 1);
  queue.withdraw(1);
  queue.withdraw(77);
  CHECK(queue.pop().id == 2);
  queue.withdraw(2);
  CHECK(queue.empty());
  queue.push({3, 0});
  CHECK(queue.pop().id == 3);
}

TEST_CASE("a tenth of a second's worth goes at once, the rest at the pace") {
  HoldQueue queue;
  CHECK(release(queue, kNow, 1000) == 100);
  CHECK(release(queue, kNow, 1000) == 0);
  CHECK(release(queue, kNow + 10ms, 1000) == 10);
  CHECK(release(queue, kNow + 11ms, 1000) == 1);
  int total = 0;
  for (auto now = kNow + 11ms; now <= kNow + 1011ms; now += 10ms) total += release(queue, now, 1000);
  CHECK(total >= 990);
  CHECK(total <= 1000);
}

TEST_CASE("a pace below ten a second still lets one go at once, and none is lost to rounding") {
  HoldQueue queue;
  CHECK(release(queue, kNow, 2) == 1);
  int total = 0;
  for (auto now = kNow; now <= kNow + 10s; now += 10ms) total += release(queue, now, 2);
  CHECK(total >= 19);
  CHECK(total <= 20);
}

TEST_CASE("clients take turns, each in the order of its own arrival") {
  HoldQueue queue;
  for (std::uint64_t id = 1; id <= 4; ++id) queue.push({id, 0, 7});
  queue.push({5, 0, 8});
  queue.push({6, 0, 9});
  queue.push({7, 0, 8});
  std::vector<std::uint64_t> order;
  while (!queue.empty()) order.push_back(queue.pop().id);
  CHECK(order == std::vector<std::uint64_t>{1, 5, 6, 2, 7, 3, 4});
}

TEST_CASE("who has withdrawn takes no turn from the others of his client") {
  HoldQueue queue;
  queue.push({1, 0, 7});
  queue.push({2, 0, 7});
  queue.push({3, 0, 8});
  queue.withdraw(1);
  CHECK(queue.pop().id == 2);
  CHECK(queue.pop().id == 3);
  CHECK(queue.empty());
}

TEST_CASE("many who come and go leave the order of the rest as it is") {
  HoldQueue queue;
  for (std::uint64_t id = 1; id <= 1000; ++id) queue.push({id, 0, id % 10});
  for (std::uint64_t id = 1; id <= 990; ++id) queue.withdraw(id);
  for (std::uint64_t id = 991; id <= 1000; ++id) {
    REQUIRE_FALSE(queue.empty());
    CHECK(queue.pop().id == id);
  }
  CHECK(queue.empty());
}
