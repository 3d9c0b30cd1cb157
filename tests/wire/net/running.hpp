// Runs a test's body as a coroutine on an event loop, on the test's own thread.
//
// Await outside of CHECK and REQUIRE: Catch2 repeats their expression behind `false &&`, and gcc 12 evaluates
// an awaited one there all the same.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>

#include "wire/net/event_loop.hpp"
#include "wire/net/task.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::tests {

// Longer than anything here should take, also under a sanitizer on a busy machine.
inline constexpr std::chrono::seconds kPatience{20};

class Watchdog final : public net::DeadlineNode {
 public:
  explicit Watchdog(net::EventLoop& loop) : loop_(loop) { loop.wheel().arm(*this, loop.now() + kPatience); }
  [[nodiscard]] bool bitten() const { return bitten_; }

 private:
  void on_deadline() override {
    bitten_ = true;
    loop_.stop();
  }
  net::EventLoop& loop_;
  bool bitten_ = false;
};

inline net::Task<> run_and_stop(net::EventLoop& loop, net::Task<> body, std::exception_ptr& thrown) {
  try {
    co_await body;
  } catch (...) {
    thrown = std::current_exception();
  }
  loop.stop();
}

// Runs `body` and the loop until it ends; a failed assertion in it fails the test, a hang too.
inline void run(net::EventLoop& loop, net::Task<> body) {
  std::exception_ptr thrown;
  auto task = run_and_stop(loop, std::move(body), thrown);
  const Watchdog watchdog(loop);
  loop.post([&] { task.start(); });
  loop.run();
  task.reset();
  if (watchdog.bitten()) throw std::runtime_error("the body of the test did not end");
  if (thrown) std::rethrow_exception(thrown);
}

// Lets the loop go on until `condition` holds; throws if it never does.
inline net::Task<> holds(net::EventLoop& loop, std::function<bool()> condition) {
  const auto last = net::Clock::now() + kPatience / 2;
  net::Signal never(loop);
  while (!condition()) {
    if (net::Clock::now() > last) throw std::runtime_error("a condition does not come true");
    net::Wait wait(loop);
    wait.signal(never).until(loop.now() + std::chrono::milliseconds(1));
    (void)co_await wait;
  }
}

}  // namespace tidegate::tests
