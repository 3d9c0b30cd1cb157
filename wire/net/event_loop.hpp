// A worker's event loop: one edge-triggered epoll set, one deadline wheel, one wake-up.
//
// Workers run on this instead of an Asio io_context. An Asio socket that waits costs an `epoll_ctl` per wait
// and about 1 KB each (its descriptor state, mutex and operation queues); here a descriptor is registered
// once, its readiness is two bits in its `Stream`, and a deadline is a list node.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include <sys/epoll.h>

#include "wire/net/deadline_wheel.hpp"
#include "wire/net/failure.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::net {

// Something with a descriptor in the loop's set. Its address must not change while it is registered.
class Pollable {
 public:
  // `events` are epoll's bits. May destroy this object and any other.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

enum class Cause : std::uint8_t { none, readable, writable, hangup, signal, deadline };

// Something that is woken by a stream, a signal or the loop itself. Takes itself off the loop's queue when
// destroyed.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual void wake(Cause cause) = 0;

 protected:
  ~Waiter();

 private:
  friend class EventLoop;
  class EventLoop* queued_in_ = nullptr;
  Cause queued_cause_ = Cause::none;
};

class EventLoop {
 public:
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Runs on the calling thread until `stop`. Throws std::system_error only when epoll itself fails.
  void run();
  // Thread-safe.
  void stop();
  // Thread-safe; runs `action` on the loop's thread in the order posted. Actions that are still queued when
  // the loop is destroyed are destroyed unrun.
  void post(std::function<void()> action);

  // --- loop thread only, from here on ---

  // Registers a descriptor; `events` are epoll's bits (callers add EPOLLET where they mean it).
  [[nodiscard]] error_code watch(int fd, std::uint32_t events, Pollable& target);
  void unwatch(int fd);
  // Must be called before a registered Pollable is destroyed: drops its events of the batch in progress.
  void forget(const Pollable& target);

  // Wakes `waiter` after the current event, on a fresh stack. Waking from inside another coroutine goes this
  // way, so that nobody is destroyed by those it wakes.
  void wake_soon(Waiter& waiter, Cause cause);
  // Wakes `waiter` once everything else that was ready has had its turn: for who has used up his share and
  // has more to do.
  void wake_later(Waiter& waiter, Cause cause);
  // Runs `action` after the current event; for destroying what is still on the stack.
  void defer(std::function<void()> action);

  [[nodiscard]] DeadlineWheel& wheel() { return wheel_; }
  // The time at the start of the current batch.
  [[nodiscard]] TimePoint now() const { return now_; }

 private:
  friend class Waiter;
  void run_posted();
  void run_soon();
  void run_later();
  [[nodiscard]] int wait_milliseconds() const;

  static constexpr int kBatch = 256;

  UniqueFd epoll_;
  UniqueFd wake_;
  TimePoint now_;
  DeadlineWheel wheel_;
  std::array<epoll_event, kBatch> batch_{};
  int batch_size_ = 0;
  bool stopped_ = false;
  std::vector<Waiter*> soon_;
  std::vector<Waiter*> later_;
  std::vector<std::function<void()>> deferred_;

  std::mutex mutex_;  // guards posted_ alone
  std::vector<std::function<void()>> posted_;
};

}  // namespace tidegate::net
