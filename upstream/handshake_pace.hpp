// How many upgrades a second go on to endpoints, over all workers.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "upstream/endpoint.hpp"

namespace tidegate::upstream {

// A bucket that holds a tenth of a second's worth, kept as the time when the next one is due (GCRA).
// Thread-safe and without locks; `set_rate` is control's.
class HandshakePace {
 public:
  // 0: no limit.
  void set_rate(std::uint32_t per_second) {
    interval_.store(per_second == 0 ? 0 : kSecond / per_second, std::memory_order_relaxed);
    slack_.store(std::max(kLate, per_second == 0 ? 0 : kSecond / 10 - kSecond / per_second),
                 std::memory_order_relaxed);
  }
  [[nodiscard]] bool limits() const { return interval_.load(std::memory_order_relaxed) != 0; }

  // False if the next one is not due yet.
  [[nodiscard]] bool take(TimePoint now) {
    const auto interval = interval_.load(std::memory_order_relaxed);
    if (interval == 0) return true;
    const auto slack = slack_.load(std::memory_order_relaxed);
    const auto at = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    auto due = due_.load(std::memory_order_relaxed);
    for (;;) {
      if (due > at + slack) return false;
      if (due_.compare_exchange_weak(due, std::max(due, at) + interval, std::memory_order_relaxed))
        return true;
    }
  }
  // One that was taken did not go on.
  void give_back() { due_.fetch_sub(interval_.load(std::memory_order_relaxed), std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t kSecond = 1'000'000'000;
  static constexpr std::int64_t kLate =
      kSecond / 50;  // so late who waits may ask, and nothing of the rate is lost

  std::atomic<std::int64_t> interval_{0};  // nanoseconds
  std::atomic<std::int64_t> slack_{0};     // how far ahead of its time one may go
  std::atomic<std::int64_t> due_{0};
};

// One that counts in both. False if either says no; then it counts in neither.
[[nodiscard]] inline bool take_both(HandshakePace& own, HandshakePace& total, TimePoint now) {
  if (!own.take(now)) return false;
  if (total.take(now)) return true;
  own.give_back();
  return false;
}

}  // namespace tidegate::upstream
