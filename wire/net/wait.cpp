#include "wire/net/wait.hpp"

#include <cassert>
#include <utility>

namespace tidegate::net {

void Signal::raise() {
  raised_ = true;
  if (waiter_ != nullptr) loop_.wake_soon(*waiter_, Cause::signal);
}

Wait& Wait::readable(Stream& stream) {
  reading_ = &stream;
  return *this;
}
Wait& Wait::writable(Stream& stream) {
  writing_ = &stream;
  return *this;
}
Wait& Wait::or_writable(Stream& stream) {
  also_writing_ = &stream;
  return *this;
}
Wait& Wait::hangup(Stream& stream) {
  watching_ = &stream;
  return *this;
}
Wait& Wait::signal(Signal& signal) {
  signal_ = &signal;
  return *this;
}
Wait& Wait::until(TimePoint deadline) {
  deadline_ = deadline;
  return *this;
}

bool Wait::await_ready() {
  assert(deadline_ != TimePoint{});
  if (reading_ != nullptr && reading_->readable())
    cause_ = Cause::readable;
  else if ((writing_ != nullptr && writing_->writable()) ||
           (also_writing_ != nullptr && also_writing_->writable()))
    cause_ = Cause::writable;
  else if (signal_ != nullptr && signal_->raised())
    cause_ = Cause::signal;
  else if (watching_ != nullptr && watching_->hung_up())
    cause_ = Cause::hangup;
  return cause_ != Cause::none;
}

void Wait::await_suspend(std::coroutine_handle<> coroutine) {
  coroutine_ = coroutine;
  if (reading_ != nullptr) reading_->reader = this;
  if (writing_ != nullptr) writing_->writer = this;
  if (also_writing_ != nullptr) also_writing_->writer = this;
  if (watching_ != nullptr) watching_->hangup_watcher = this;
  if (signal_ != nullptr) signal_->waiter_ = this;
  loop_.wheel().arm(*this, deadline_);
}

void Wait::wake(Cause cause) {
  if (!coroutine_) return;
  cause_ = cause;
  detach();
  std::exchange(coroutine_, {}).resume();  // destroys this
}

// For good: what was waited for may be gone before this is.
void Wait::detach() {
  const auto leave = [this](Stream*& stream, Waiter* Stream::*place) {
    auto* const left = std::exchange(stream, nullptr);
    if (left != nullptr && left->*place == this) left->*place = nullptr;
  };
  leave(reading_, &Stream::reader);
  leave(writing_, &Stream::writer);
  leave(also_writing_, &Stream::writer);
  leave(watching_, &Stream::hangup_watcher);
  auto* const signal = std::exchange(signal_, nullptr);
  if (signal != nullptr && signal->waiter_ == this) signal->waiter_ = nullptr;
  disarm();
}

}  // namespace tidegate::net
