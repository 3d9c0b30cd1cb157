// The leaky bucket of one client, pure.
//
// nginx's limit_req keeps the excess over the rate: each event adds one, time takes it off at the rate, and
// an event that would find more than `burst` is refused and adds nothing. The same is kept here as one time:
// when the next event would no longer be ahead of the rate (the "theoretical arrival time" of the generic
// cell rate algorithm). `due - now`, in intervals, is the excess that the next event finds.
#pragma once

#include <chrono>
#include <cstdint>

#include "conf/limits.hpp"
#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

// When the next event is due, in nanoseconds of the steady clock; 0, like any time that is past, means that
// the bucket is empty.
using Due = std::int64_t;

struct RateVerdict {
  bool admitted = true;
  // Admitted: how long it should wait before it goes on. Refused: how long until one would be admitted.
  std::chrono::nanoseconds wait{0};
};

// What an event at `now` gets; nothing is counted.
[[nodiscard]] RateVerdict look_at(const conf::RateLimit& limit, Due due, net::TimePoint now);
// Counts an event that was admitted.
[[nodiscard]] Due count_event(const conf::RateLimit& limit, Due due, net::TimePoint now);
// Takes back an event that was counted and did not happen.
[[nodiscard]] Due uncount_event(const conf::RateLimit& limit, Due due);
// Nothing is left to remember.
[[nodiscard]] bool is_empty(Due due, net::TimePoint now);

// For Retry-After: whole seconds, at least one.
[[nodiscard]] int retry_after_seconds(std::chrono::nanoseconds wait);

}  // namespace tidegate::gateway
