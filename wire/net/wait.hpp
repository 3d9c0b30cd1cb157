// One suspension of a coroutine that several causes may end: `co_await
// Wait(loop).readable(stream).until(deadline)`.
#pragma once

#include <coroutine>

#include "wire/net/event_loop.hpp"
#include "wire/net/stream.hpp"

namespace tidegate::net {

// Something another coroutine or object reports: an upload that ended, a grant of the hold queue.
// Level-triggered: it stays raised until `clear`. Belongs to one loop.
class Signal {
 public:
  explicit Signal(EventLoop& loop) : loop_(loop) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void raise();
  void clear() { raised_ = false; }
  [[nodiscard]] bool raised() const { return raised_; }

 private:
  friend class Wait;
  EventLoop& loop_;
  Waiter* waiter_ = nullptr;
  bool raised_ = false;
};

// Gives the loop's other work its turn: `co_await NextTurn(loop)`.
class NextTurn final : private Waiter {
 public:
  explicit NextTurn(EventLoop& loop) : loop_(loop) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    coroutine_ = coroutine;
    loop_.wake_later(*this, Cause::none);
  }
  void await_resume() const noexcept {}

 private:
  void wake(Cause) override { coroutine_.resume(); }

  EventLoop& loop_;
  std::coroutine_handle<> coroutine_;
};

// An awaitable that lives in the frame of the coroutine that awaits it, once. What is true already does not
// suspend. When several causes hold, the order is readable, writable, signal, hangup. Destroying it (with its
// coroutine) takes it off everything.
class Wait final : private Waiter, private DeadlineNode {
 public:
  explicit Wait(EventLoop& loop) : loop_(loop) {}
  ~Wait() { detach(); }

  Wait& readable(Stream& stream);
  Wait& writable(Stream& stream);
  // A second one; which of the two it was they know themselves.
  Wait& or_writable(Stream& stream);
  // The peer closed or reset: for watching a client while nothing is expected of it.
  Wait& hangup(Stream& stream);
  Wait& signal(Signal& signal);
  // Every wait has a deadline; this one is mandatory (asserted).
  Wait& until(TimePoint deadline);

  [[nodiscard]] bool await_ready();
  void await_suspend(std::coroutine_handle<> coroutine);
  [[nodiscard]] Cause await_resume() {
    detach();
    return cause_;
  }

 private:
  void wake(Cause cause) override;
  void on_deadline() override { wake(Cause::deadline); }
  void detach();

  EventLoop& loop_;
  Stream* reading_ = nullptr;
  Stream* writing_ = nullptr;
  Stream* also_writing_ = nullptr;
  Stream* watching_ = nullptr;
  Signal* signal_ = nullptr;
  TimePoint deadline_{};
  std::coroutine_handle<> coroutine_;
  Cause cause_ = Cause::none;
};

}  // namespace tidegate::net
