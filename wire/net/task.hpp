// The coroutine type of the workers: lazy, owned by its caller, single-threaded.
//
// A task is started by awaiting it or by `start`, and is destroyed with its owner: destroying a suspended
// task destroys the tasks it awaits, and each pending wait takes itself off its stream and the wheel. That is
// how everything here is cancelled.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "wire/net/frame_memory.hpp"

namespace tidegate::net {

template <class T>
class Task;

namespace detail {

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
  bool awaited = false;  // the awaiting coroutine is suspended and must be resumed at the end
  bool finished = false;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      auto& promise = self.promise();
      promise.finished = true;
      return promise.awaited ? promise.continuation : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() { exception = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { reset(); }

  // Runs a task that nobody awaits up to its first suspension. The owner keeps the Task alive.
  void start() { handle_.resume(); }
  // Destroys the coroutine; never call it from inside that coroutine.
  void reset() {
    if (handle_) std::exchange(handle_, {}).destroy();
  }
  [[nodiscard]] bool finished() const { return !handle_ || handle_.promise().finished; }

  // A task that ends without waiting returns straight to its caller (`false` below) instead of resuming it by
  // symmetric transfer: unoptimised and sanitized builds have no tail calls, and a loop of such tasks would
  // otherwise eat the stack.
  struct Awaiter {
    Handle handle;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) const {
      auto& promise = handle.promise();
      promise.continuation = parent;
      handle.resume();
      if (promise.finished) return false;
      promise.awaited = true;
      return true;
    }
    T await_resume() const {
      auto& promise = handle.promise();
      if (promise.exception) std::rethrow_exception(promise.exception);
      return promise.take();
    }
  };
  Awaiter operator co_await() const noexcept { return Awaiter{handle_}; }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
}  // namespace detail

}  // namespace tidegate::net
