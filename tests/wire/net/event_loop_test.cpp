#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;

namespace {

class Recorder final : public Pollable {
 public:
  explicit Recorder(std::function<void()> action) : action_(std::move(action)) {}
  void on_ready(std::uint32_t) override { action_(); }

 private:
  std::function<void()> action_;
};

class Woken final : public Waiter {
 public:
  explicit Woken(std::function<void(Cause)> action) : action_(std::move(action)) {}
  void wake(Cause cause) override { action_(cause); }

 private:
  std::function<void(Cause)> action_;
};

}  // namespace

TEST_CASE("posted actions run on the loop's thread in the order posted") {
  EventLoop loop;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) loop.post([&order, i] { order.push_back(i); });
  std::thread::id ran_on;
  loop.post([&] { ran_on = std::this_thread::get_id(); });
  loop.stop();
  std::thread thread([&] { loop.run(); });
  const auto expected = thread.get_id();
  thread.join();
  CHECK(ran_on == expected);
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("many threads may post, and each one's actions keep their order") {
  EventLoop loop;
  constexpr int posters = 4;
  constexpr int each = 5000;
  std::vector<int> last(posters, -1);  // touched by the loop's thread only
  bool in_order = true;
  std::thread runner([&] { loop.run(); });
  std::vector<std::thread> threads;
  for (int p = 0; p < posters; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) {
        loop.post([&, p, i] {
          auto& seen = last[static_cast<std::size_t>(p)];
          in_order = in_order && seen == i - 1;
          seen = i;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  loop.stop();
  runner.join();
  CHECK(in_order);
  for (const int seen : last) CHECK(seen == each - 1);
}

TEST_CASE("an action may post another, and a loop at rest is woken by a post") {
  EventLoop loop;
  std::atomic<int> ran{0};
  std::thread runner([&] { loop.run(); });
  loop.post([&] { loop.post([&] { loop.post([&] { ++ran; }); }); });
  while (ran == 0) std::this_thread::yield();
  loop.stop();
  runner.join();
  CHECK(ran == 1);
}

TEST_CASE("actions still queued when the loop goes are destroyed unrun") {
  auto held = std::make_shared<int>(1);
  bool ran = false;
  {
    EventLoop loop;
    loop.post([held, &ran] { ran = true; });
    CHECK(held.use_count() == 2);
  }
  CHECK_FALSE(ran);
  CHECK(held.use_count() == 1);
}

TEST_CASE("something destroyed by another in the same batch is not called") {
  EventLoop loop;
  auto one = unix_pair(loop);
  auto two = unix_pair(loop);
  int calls = 0;
  std::unique_ptr<Stream>* const streams[] = {&one.stream, &two.stream};
  // Each of the two, when it becomes readable, destroys the other. Both have a byte before the loop looks.
  Woken first([&](Cause) {
    ++calls;
    streams[1]->reset();
  });
  Woken second([&](Cause) {
    ++calls;
    streams[0]->reset();
  });
  one.stream->reader = &first;
  two.stream->reader = &second;
  say(one.peer, "x");
  say(two.peer, "x");
  loop.post([&] { loop.stop(); });
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("a registered object may destroy itself when it is called") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  int calls = 0;
  Woken reader([&](Cause) {
    ++calls;
    pair.stream.reset();
    loop.stop();
  });
  pair.stream->reader = &reader;
  say(pair.peer, "x");
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("watch reports readiness until unwatch") {
  EventLoop loop;
  const auto listener = listen_here();
  int calls = 0;
  Recorder recorder([&] {
    if (++calls < 3) return;  // level-triggered: nobody accepts, so it is reported again
    loop.unwatch(listener.get());
    loop.post([&] { loop.stop(); });
  });
  REQUIRE_FALSE(loop.watch(listener.get(), EPOLLIN, recorder));
  const auto client = dial(SocketAddress::local_of(listener.get()));
  loop.run();
  CHECK(calls == 3);
  loop.forget(recorder);
}

TEST_CASE("watching what cannot be watched is an error, not an exception") {
  EventLoop loop;
  Recorder recorder([] {});
  CHECK(loop.watch(-1, EPOLLIN, recorder).value() == EBADF);
}

TEST_CASE("wake_soon wakes once, on a fresh stack, after the current action") {
  EventLoop loop;
  std::vector<std::string> story;
  Woken waiter([&](Cause cause) { story.push_back(cause == Cause::signal ? "signal" : "other"); });
  loop.post([&] {
    loop.wake_soon(waiter, Cause::signal);
    loop.wake_soon(waiter, Cause::readable);  // it is queued already
    story.emplace_back("action ends");
  });
  loop.stop();
  loop.run();
  CHECK(story == std::vector<std::string>{"action ends", "signal"});
}

TEST_CASE("a waiter destroyed before its turn is not woken") {
  EventLoop loop;
  int woken = 0;
  auto second = std::make_unique<Woken>([&](Cause) { ++woken; });
  Woken first([&](Cause) {
    ++woken;
    second.reset();
  });
  loop.post([&] {
    loop.wake_soon(first, Cause::signal);
    loop.wake_soon(*second, Cause::signal);
  });
  loop.stop();
  loop.run();
  CHECK(woken == 1);
}

TEST_CASE("wake_later lets everything else that is ready have its turn") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  // Busy for ever: woken again and again, as a tunnel whose sender is never short of bytes.
  int turns = 0;
  Waiter* self = nullptr;
  Woken busy([&](Cause) {
    ++turns;
    loop.wake_later(*self, Cause::readable);
  });
  self = &busy;
  Woken reader([&](Cause) { loop.stop(); });
  pair.stream->reader = &reader;
  loop.post([&] {
    loop.wake_later(busy, Cause::readable);
    say(pair.peer, "x");
  });
  const Watchdog watchdog(loop);
  loop.run();
  CHECK(turns > 0);
  CHECK_FALSE(watchdog.bitten());
}

TEST_CASE("a waiter destroyed before its later turn is not woken") {
  EventLoop loop;
  int woken = 0;
  auto waiter = std::make_unique<Woken>([&](Cause) { ++woken; });
  loop.post([&] {
    loop.wake_later(*waiter, Cause::signal);
    waiter.reset();
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  CHECK(woken == 0);
}

TEST_CASE("deferred actions run after everything that was woken") {
  EventLoop loop;
  std::vector<std::string> story;
  Woken waiter([&](Cause) { story.emplace_back("woken"); });
  loop.post([&] {
    loop.defer([&] { story.emplace_back("deferred"); });
    loop.wake_soon(waiter, Cause::signal);
  });
  loop.stop();
  loop.run();
  CHECK(story == std::vector<std::string>{"woken", "deferred"});
}

TEST_CASE("deadlines of the loop fire while it is at rest") {
  EventLoop loop;
  class Node final : public DeadlineNode {
   public:
    explicit Node(EventLoop& own) : loop_(own) {}
    TimePoint fired{};

   private:
    void on_deadline() override {
      fired = loop_.now();
      loop_.stop();
    }
    EventLoop& loop_;
  };
  Node node(loop);
  const auto at = Clock::now() + std::chrono::milliseconds(30);
  loop.wheel().arm(node, at);
  loop.run();
  CHECK(node.fired >= at);
}
