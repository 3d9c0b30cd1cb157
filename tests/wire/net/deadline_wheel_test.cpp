#include "wire/net/deadline_wheel.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::net;
using namespace std::chrono_literals;

namespace {

const TimePoint kStart = TimePoint() + 1000h + 3ms + 7us;

class Node final : public DeadlineNode {
 public:
  Node() = default;
  explicit Node(std::function<void()> action) : action_(std::move(action)) {}
  int fired = 0;

 private:
  void on_deadline() override {
    ++fired;
    if (action_) action_();
  }
  std::function<void()> action_;
};

}  // namespace

TEST_CASE("deadlines fire never early and late by at most one tick") {
  Node node;
  for (const auto after : {1ms, 7ms, 8ms, 9ms, 100ms, 8191ms, 8192ms, 8193ms, 60'000ms, 3'600'000ms}) {
    CAPTURE(after.count());
    DeadlineWheel own(kStart);
    own.arm(node, kStart + after);
    node.fired = 0;
    own.advance(kStart + after - 1us);
    CHECK(node.fired == 0);
    own.advance(kStart + after + 8ms);
    CHECK(node.fired == 1);
    CHECK_FALSE(node.armed());
    CHECK(own.size() == 0);
  }
}

TEST_CASE("deadlines fire in the order of their ticks") {
  DeadlineWheel wheel(kStart);
  std::vector<int> order;
  std::vector<std::unique_ptr<Node>> nodes;
  for (const int i : {5, 1, 4, 2, 3}) {
    nodes.push_back(std::make_unique<Node>([&order, i] { order.push_back(i); }));
    wheel.arm(*nodes.back(), kStart + i * 20ms);
  }
  wheel.advance(kStart + 1s);
  CHECK(order == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("arming an armed node moves it") {
  DeadlineWheel wheel(kStart);
  Node node;
  wheel.arm(node, kStart + 50ms);
  wheel.arm(node, kStart + 500ms);
  CHECK(wheel.size() == 1);
  wheel.advance(kStart + 400ms);
  CHECK(node.fired == 0);
  wheel.arm(node, kStart + 410ms);
  wheel.advance(kStart + 420ms);
  CHECK(node.fired == 1);
}

TEST_CASE("a deadline that has passed fires with the next advance") {
  DeadlineWheel wheel(kStart);
  wheel.advance(kStart + 10s);
  Node node;
  wheel.arm(node, kStart);
  REQUIRE(wheel.next_due());
  CHECK(*wheel.next_due() <= kStart + 10s + 8ms);
  wheel.advance(kStart + 10s + 8ms);
  CHECK(node.fired == 1);
}

TEST_CASE("a node that fires may arm itself again, and is not fired twice in one advance") {
  DeadlineWheel wheel(kStart);
  Node* self = nullptr;
  Node node([&] { wheel.arm(*self, kStart + 10ms); });
  self = &node;
  wheel.arm(node, kStart + 10ms);
  wheel.advance(kStart + 100ms);
  CHECK(node.fired == 1);
  CHECK(node.armed());
  wheel.advance(kStart + 110ms);
  CHECK(node.fired == 2);
}

TEST_CASE("a firing node may disarm, move and destroy others of the same moment") {
  DeadlineWheel wheel(kStart);
  std::vector<std::unique_ptr<Node>> others;
  for (int i = 0; i < 30; ++i) others.push_back(std::make_unique<Node>());
  int fired = 0;
  const auto meddle = [&] {
    ++fired;
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (i % 3 == 0) others[i]->disarm();
      if (i % 3 == 1) wheel.arm(*others[i], kStart + 10s);
      if (i % 3 == 2) others[i].reset();
    }
    std::erase(others, nullptr);
  };
  // One before and one behind them in the slot: whichever fires first meddles with all that are left.
  Node first([&] { meddle(); });
  Node last([&] { meddle(); });
  wheel.arm(first, kStart + 40ms);
  for (auto& other : others) wheel.arm(*other, kStart + 40ms);
  wheel.arm(last, kStart + 40ms);
  wheel.advance(kStart + 50ms);
  CHECK(fired == 2);
  for (const auto& other : others) CHECK(other->fired == 0);
}

TEST_CASE("a node may destroy itself") {
  class Self final : public DeadlineNode {
   public:
    Self(std::unique_ptr<Self>& owner, bool& told) : owner_(owner), told_(told) {}

   private:
    void on_deadline() override {
      told_ = true;
      owner_.reset();
    }
    std::unique_ptr<Self>& owner_;
    bool& told_;
  };
  DeadlineWheel wheel(kStart);
  bool told = false;
  std::unique_ptr<Self> self;
  self = std::make_unique<Self>(self, told);
  wheel.arm(*self, kStart + 8ms);
  wheel.advance(kStart + 16ms);
  CHECK(told);
  CHECK_FALSE(self);
  CHECK(wheel.size() == 0);
}

TEST_CASE("nodes of later rounds stay in their slot") {
  DeadlineWheel wheel(kStart);
  const auto round = 1024 * 8ms;
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 5; ++i) {
    nodes.push_back(std::make_unique<Node>());
    wheel.arm(*nodes.back(), kStart + 80ms + i * round);
  }
  for (int i = 0; i < 5; ++i) {
    wheel.advance(kStart + 88ms + i * round);
    for (int j = 0; j < 5; ++j) CHECK(nodes[static_cast<std::size_t>(j)]->fired == (j <= i ? 1 : 0));
  }
}

TEST_CASE("a leap over many rounds fires everything that is due, once") {
  DeadlineWheel wheel(kStart);
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 1000; ++i) {
    nodes.push_back(std::make_unique<Node>());
    wheel.arm(*nodes.back(), kStart + i * 37ms);
  }
  Node later;
  wheel.arm(later, kStart + 10h);
  wheel.advance(kStart + 1h);
  for (const auto& node : nodes) CHECK(node->fired == 1);
  CHECK(later.fired == 0);
  CHECK(wheel.size() == 1);
}

TEST_CASE("next_due is never late, and nothing when nothing is armed") {
  DeadlineWheel wheel(kStart);
  CHECK_FALSE(wheel.next_due());
  Node node;
  auto now = kStart;
  for (int i = 0; i < 2000; ++i) {
    const auto at = now + std::chrono::milliseconds(i * 11 % 20'000);
    wheel.arm(node, at);
    // Following next_due alone, the node is fired in time.
    while (node.armed()) {
      REQUIRE(wheel.next_due());
      now = *wheel.next_due();
      REQUIRE(now <= at + 16ms);
      wheel.advance(now);
    }
    REQUIRE(now >= at);
  }
  CHECK(node.fired == 2000);
  CHECK_FALSE(wheel.next_due());
}

TEST_CASE("a hundred thousand nodes") {
  DeadlineWheel wheel(kStart);
  std::vector<std::unique_ptr<Node>> nodes;
  std::mt19937 random(7);
  for (int i = 0; i < 100'000; ++i) {
    nodes.push_back(std::make_unique<Node>());
    wheel.arm(*nodes.back(), kStart + std::chrono::milliseconds(random() % 20'000));
  }
  for (int i = 0; i < 100'000; i += 2) nodes[static_cast<std::size_t>(i)]->disarm();
  CHECK(wheel.size() == 50'000);
  for (auto now = kStart; now < kStart + 21s; now += 16ms) wheel.advance(now);
  CHECK(wheel.size() == 0);
  CHECK(std::all_of(nodes.begin(), nodes.end(),
                    [i = 0](const auto& n) mutable { return n->fired == i++ % 2; }));
}

TEST_CASE("random arming, disarming and advancing agrees with a simple model") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    DeadlineWheel wheel(kStart);
    auto now = kStart;
    constexpr std::size_t count = 64;
    std::vector<std::unique_ptr<Node>> nodes(count);
    std::vector<std::optional<TimePoint>> model(count);
    std::vector<int> expected(count, 0);
    for (auto& node : nodes) node = std::make_unique<Node>();
    for (int step = 0; step < 2000; ++step) {
      const auto which = random() % count;
      switch (random() % 4) {
        case 0:
        case 1:
          model[which] = now + std::chrono::milliseconds(random() % (random() % 8 == 0 ? 30'000 : 300));
          wheel.arm(*nodes[which], *model[which]);
          break;
        case 2:
          model[which].reset();
          nodes[which]->disarm();
          break;
        default: now += std::chrono::microseconds(random() % 50'000); wheel.advance(now);
      }
      bool agrees = true;
      for (std::size_t i = 0; i < count; ++i) {
        if (model[i] && nodes[i]->fired != expected[i]) {
          agrees = agrees && *model[i] <= now;  // not early
          model[i].reset();
          ++expected[i];
        }
        agrees = agrees && nodes[i]->fired == expected[i] && nodes[i]->armed() == model[i].has_value();
      }
      REQUIRE(agrees);
    }
    wheel.advance(now + 40s);
    CHECK(wheel.size() == 0);
  }
}
