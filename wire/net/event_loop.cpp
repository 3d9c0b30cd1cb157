#include "wire/net/event_loop.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>

namespace tidegate::net {
namespace {

[[noreturn]] void fail(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

}  // namespace

Waiter::~Waiter() {
  if (queued_in_ == nullptr) return;
  for (auto* queue : {&queued_in_->soon_, &queued_in_->later_})
    std::replace(queue->begin(), queue->end(), this, static_cast<Waiter*>(nullptr));
}

EventLoop::EventLoop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      now_(Clock::now()),
      wheel_(now_) {
  if (!epoll_) fail("epoll_create1");
  if (!wake_) fail("eventfd");
  // The two change places: each has its room from the start, so that none is taken while requests are served.
  soon_.reserve(kBatch);
  later_.reserve(kBatch);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) fail("epoll_ctl");
}

EventLoop::~EventLoop() = default;

void EventLoop::stop() {
  post([this] { stopped_ = true; });
}

void EventLoop::post(std::function<void()> action) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(action));
  }
  if (!first) return;  // whoever made the queue non-empty has rung already
  const std::uint64_t one = 1;
  // An eventfd refuses a write only when its counter is full, and then the loop is awake anyway.
  if (::write(wake_.get(), &one, sizeof one) < 0) return;
}

error_code EventLoop::watch(int fd, std::uint32_t events, Pollable& target) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return last_error();
  return {};
}

void EventLoop::unwatch(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::forget(const Pollable& target) {
  for (int i = 0; i < batch_size_; ++i) {
    auto& event = batch_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &target) event.data.ptr = nullptr;
  }
}

void EventLoop::wake_soon(Waiter& waiter, Cause cause) {
  if (waiter.queued_in_ != nullptr) return;
  waiter.queued_in_ = this;
  waiter.queued_cause_ = cause;
  soon_.push_back(&waiter);
}

void EventLoop::wake_later(Waiter& waiter, Cause cause) {
  if (waiter.queued_in_ != nullptr) return;
  waiter.queued_in_ = this;
  waiter.queued_cause_ = cause;
  later_.push_back(&waiter);
}

void EventLoop::defer(std::function<void()> action) {
  deferred_.push_back(std::move(action));
}

void EventLoop::run_soon() {
  // Only what was queued before: one that queues itself again takes turns with the descriptors.
  const auto count = static_cast<std::ptrdiff_t>(soon_.size());
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    auto* waiter = std::exchange(soon_[static_cast<std::size_t>(i)], nullptr);
    if (waiter == nullptr) continue;
    waiter->queued_in_ = nullptr;
    waiter->wake(waiter->queued_cause_);
  }
  soon_.erase(soon_.begin(), soon_.begin() + count);
  for (std::size_t i = 0; i < deferred_.size(); ++i) {
    const auto action = std::move(deferred_[i]);
    action();
  }
  deferred_.clear();
}

void EventLoop::run_later() {
  // Who asks again meanwhile comes after the next batch.
  soon_.swap(later_);
  run_soon();
}

void EventLoop::run_posted() {
  std::vector<std::function<void()>> actions;
  {
    const std::lock_guard lock(mutex_);
    actions.swap(posted_);
  }
  for (auto& action : actions) {
    action();
    run_soon();
  }
}

int EventLoop::wait_milliseconds() const {
  if (!soon_.empty() || !later_.empty() || !deferred_.empty()) return 0;
  const auto due = wheel_.next_due();
  if (!due) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void EventLoop::run() {
  while (!stopped_) {
    const int ready = ::epoll_wait(epoll_.get(), batch_.data(), kBatch, wait_milliseconds());
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    now_ = Clock::now();
    batch_size_ = std::max(ready, 0);
    bool posted = false;
    for (int i = 0; i < batch_size_; ++i) {
      const auto& event = batch_[static_cast<std::size_t>(i)];
      if (event.data.ptr != nullptr) {
        static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
        run_soon();
      } else if ((event.events & EPOLLIN) != 0) {
        posted = true;  // the wake-up, or something forgotten: looking for posted actions is cheap either way
      }
    }
    batch_size_ = 0;
    if (posted) {
      std::uint64_t count = 0;
      if (::read(wake_.get(), &count, sizeof count) < 0) count = 0;
      run_posted();
    }
    wheel_.advance(now_);
    run_soon();
    run_later();
  }
}

}  // namespace tidegate::net
