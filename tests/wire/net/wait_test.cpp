#include <string>

#include "tests/support/catch.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;
using namespace std::chrono_literals;

namespace {

// Everything at once, so that a test chooses what happens.
Task<Cause> wait_for_any(EventLoop& loop, Stream& reading, Stream& watched, Signal& signal,
                         std::chrono::milliseconds time = 10s) {
  Wait wait(loop);
  wait.readable(reading).hangup(watched).signal(signal).until(loop.now() + time);
  co_return co_await wait;
}

Task<> run_into(Task<Cause> waiting, Cause& cause) {
  cause = co_await waiting;
}

struct Scene {
  EventLoop loop;
  Pair reading = unix_pair(loop);
  Pair watched = unix_pair(loop);
  Signal signal{loop};

  Task<Cause> wait(std::chrono::milliseconds time = 10s) {
    return wait_for_any(loop, *reading.stream, *watched.stream, signal, time);
  }
};

// Lets the loop look at every descriptor once.
Task<> settle(EventLoop& loop) {
  Signal never(loop);
  Wait wait(loop);
  wait.signal(never).until(loop.now() + 1ms);
  (void)co_await wait;
}

}  // namespace

TEST_CASE("a wait ends by what it names") {
  Scene scene;
  run(scene.loop, [](Scene& s) -> Task<> {
    co_await settle(s.loop);
    auto cause = Cause::none;
    auto task = run_into(s.wait(), cause);
    task.start();
    SECTION("readable") {
      say(s.reading.peer, "x");
      co_await holds(s.loop, [&] { return cause != Cause::none; });
      CHECK(cause == Cause::readable);
    }
    SECTION("the end of a stream is readable") {
      s.reading.peer.reset();
      co_await holds(s.loop, [&] { return cause != Cause::none; });
      CHECK(cause == Cause::readable);
    }
    SECTION("hangup") {
      s.watched.peer.reset();
      co_await holds(s.loop, [&] { return cause != Cause::none; });
      CHECK(cause == Cause::hangup);
    }
    SECTION("bytes on the watched stream are no hangup") {
      say(s.watched.peer, "x");
      co_await settle(s.loop);
      CHECK(cause == Cause::none);
      s.signal.raise();
      co_await holds(s.loop, [&] { return cause == Cause::signal; });
    }
    SECTION("signal") {
      s.signal.raise();
      CHECK(cause == Cause::none);  // not on the stack of who raises it
      co_await holds(s.loop, [&] { return cause != Cause::none; });
      CHECK(cause == Cause::signal);
    }
    CHECK(s.reading.stream->reader == nullptr);
    CHECK(s.watched.stream->hangup_watcher == nullptr);
  }(scene));
}

TEST_CASE("a wait ends by its deadline, never early") {
  Scene scene;
  run(scene.loop, [](Scene& s) -> Task<> {
    const auto began = Clock::now();
    const auto ended = co_await s.wait(25ms);
    CHECK(ended == Cause::deadline);
    CHECK(Clock::now() - began >= 25ms);
    CHECK(s.reading.stream->reader == nullptr);
  }(scene));
}

TEST_CASE("what is true already does not suspend, in the order readable, writable, signal, hangup") {
  Scene scene;
  run(scene.loop, [](Scene& s) -> Task<> {
    say(s.reading.peer, "x");
    s.watched.peer.reset();
    s.signal.raise();
    co_await settle(s.loop);
    auto cause = Cause::none;
    {
      auto task = run_into(s.wait(), cause);
      task.start();
      CHECK(task.finished());
      CHECK(cause == Cause::readable);
    }
    {
      Wait wait(s.loop);
      wait.writable(*s.reading.stream).signal(s.signal).hangup(*s.watched.stream).until(s.loop.now() + 1s);
      const auto ended = co_await wait;
      CHECK(ended == Cause::writable);
    }
    {
      Wait wait(s.loop);
      wait.signal(s.signal).hangup(*s.watched.stream).until(s.loop.now() + 1s);
      const auto ended = co_await wait;
      CHECK(ended == Cause::signal);
    }
    s.signal.clear();
    {
      Wait wait(s.loop);
      wait.signal(s.signal).hangup(*s.watched.stream).until(s.loop.now() + 1s);
      const auto ended = co_await wait;
      CHECK(ended == Cause::hangup);
    }
  }(scene));
}

TEST_CASE(
    "a stream that is readable and hung up at once wakes two waits that concern one coroutine only once") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  run(loop, [](EventLoop& own, Pair& p) -> Task<> {
    co_await settle(own);
    // The same wait is the reader, the writer and the watcher: woken as reader it is gone for the others.
    say(p.peer, "last words");
    p.peer.reset();
    Wait wait(own);
    wait.readable(*p.stream).writable(*p.stream).hangup(*p.stream).until(own.now() + 10s);
    const auto cause = co_await wait;
    CHECK((cause == Cause::readable || cause == Cause::writable));
    CHECK(p.stream->hangup_watcher == nullptr);
  }(loop, pair));
}

TEST_CASE("destroying a pending wait takes it off everything") {
  Scene scene;
  run(scene.loop, [](Scene& s) -> Task<> {
    auto cause = Cause::none;
    auto task = run_into(s.wait(), cause);
    task.start();
    s.signal.raise();  // it is queued to be woken, too
    task.reset();
    CHECK(s.reading.stream->reader == nullptr);
    CHECK(s.watched.stream->hangup_watcher == nullptr);
    say(s.reading.peer, "x");
    co_await settle(s.loop);
    CHECK(cause == Cause::none);
  }(scene));
}

TEST_CASE("a signal stays raised until it is cleared") {
  EventLoop loop;
  run(loop, [](EventLoop& own) -> Task<> {
    Signal signal(own);
    signal.raise();
    for (int i = 0; i < 3; ++i) {
      Wait wait(own);
      wait.signal(signal).until(own.now() + 1s);
      const auto ended = co_await wait;
      CHECK(ended == Cause::signal);
    }
    signal.clear();
    Wait wait(own);
    wait.signal(signal).until(own.now() + 1ms);
    const auto ended = co_await wait;
    CHECK(ended == Cause::deadline);
  }(loop));
}
