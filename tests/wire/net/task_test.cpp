#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;

namespace {

Task<> note(std::vector<std::string>& story, std::string text) {
  story.push_back(std::move(text));
  co_return;
}

Task<int> give(int value) {
  co_return value;
}

Task<std::unique_ptr<int>> give_owned(int value) {
  co_return std::make_unique<int>(value);
}

Task<int> add(int a, int b) {
  co_return co_await give(a) + co_await give(b);
}

Task<int> fail() {
  throw std::runtime_error("the fault");
  co_return 0;
}

Task<std::string> catch_it() {
  try {
    co_await fail();
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "nothing";
}

Task<int> after_a_wait(EventLoop& loop, int value) {
  Signal never(loop);
  Wait wait(loop);
  wait.signal(never).until(loop.now() + std::chrono::milliseconds(1));
  (void)co_await wait;
  if (value < 0) throw std::runtime_error("late fault");
  co_return value;
}

struct Witness {
  explicit Witness(int& count) : alive(count) { ++alive; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --alive; }
  int& alive;
};

Task<> read_one(EventLoop& loop, Stream& stream, int& alive) {
  const Witness witness(alive);
  Wait wait(loop);
  wait.readable(stream).writable(stream).hangup(stream).until(loop.now() + std::chrono::hours(1));
  // The stream of these tests has not been looked at by the loop, so nothing is ready yet.
  (void)co_await wait;
}

Task<> outer(EventLoop& loop, Stream& stream, int& alive) {
  const Witness witness(alive);
  co_await read_one(loop, stream, alive);
}

// Not the address of a local: the address sanitizer keeps those elsewhere.
[[gnu::noinline]] std::uintptr_t stack_here() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

Task<std::uintptr_t> look_at_stack() {
  co_return stack_here();
}

}  // namespace

TEST_CASE("a task is lazy") {
  std::vector<std::string> story;
  auto task = note(story, "ran");
  CHECK(story.empty());
  CHECK_FALSE(task.finished());
  task.start();
  CHECK(story == std::vector<std::string>{"ran"});
  CHECK(task.finished());
  { const auto never_started = note(story, "never"); }
  CHECK(story.size() == 1);
}

TEST_CASE("a task gives its value to who awaits it") {
  EventLoop loop;
  run(loop, [](EventLoop& own) -> Task<> {
    const auto sum = co_await add(3, 4);
    CHECK(sum == 7);
    const auto owned = co_await give_owned(9);
    CHECK(*owned == 9);
    const auto value = co_await after_a_wait(own, 5);
    CHECK(value == 5);
  }(loop));
}

TEST_CASE("an exception arrives where the task is awaited") {
  EventLoop loop;
  run(loop, [](EventLoop& own) -> Task<> {
    const auto caught = co_await catch_it();
    CHECK(caught == "the fault");
    bool late = false;
    try {
      co_await after_a_wait(own, -1);
    } catch (const std::runtime_error&) {
      late = true;
    }
    CHECK(late);
  }(loop));
}

TEST_CASE("destroying a suspended task destroys what it awaits and takes its waits off") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  int alive = 0;
  auto task = outer(loop, *pair.stream, alive);
  task.start();
  CHECK(alive == 2);
  CHECK_FALSE(task.finished());
  CHECK(pair.stream->reader != nullptr);
  CHECK(loop.wheel().size() == 1);
  task.reset();
  CHECK(alive == 0);
  CHECK(pair.stream->reader == nullptr);
  CHECK(pair.stream->writer == nullptr);
  CHECK(pair.stream->hangup_watcher == nullptr);
  CHECK(loop.wheel().size() == 0);
}

TEST_CASE("assigning to a task destroys what it was") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  int alive = 0;
  auto task = outer(loop, *pair.stream, alive);
  task.start();
  task = Task<>();
  CHECK(alive == 0);
  CHECK(task.finished());
}

TEST_CASE("a loop of a million tasks that end at once does not grow the stack") {
  EventLoop loop;
  run(loop, []() -> Task<> {
    const auto first = co_await look_at_stack();
    std::uintptr_t farthest = 0;
    for (int i = 0; i < 1'000'000; ++i) {
      const auto here = co_await look_at_stack();
      farthest = std::max(farthest, here > first ? here - first : first - here);
    }
    CHECK(farthest < 4096);
  }());
}
