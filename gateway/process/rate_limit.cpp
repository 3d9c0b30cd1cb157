#include "gateway/process/rate_limit.hpp"

#include <algorithm>
#include <limits>

namespace tidegate::gateway {
namespace {

std::int64_t nanoseconds_of(net::TimePoint at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

}  // namespace

RateVerdict look_at(const conf::RateLimit& limit, Due due, net::TimePoint now) {
  using std::chrono::nanoseconds;
  const nanoseconds ahead(std::max<std::int64_t>(due - nanoseconds_of(now), 0));
  const nanoseconds most = limit.burst * limit.interval;
  if (ahead > most) return {false, ahead - most};
  if (limit.no_delay) return {};
  return {true, std::max(ahead - limit.delay * limit.interval, nanoseconds(0))};
}

Due count_event(const conf::RateLimit& limit, Due due, net::TimePoint now) {
  return std::max(due, nanoseconds_of(now)) + limit.interval.count();
}

Due uncount_event(const conf::RateLimit& limit, Due due) {
  return due - limit.interval.count();
}

bool is_empty(Due due, net::TimePoint now) {
  return due <= nanoseconds_of(now);
}

int retry_after_seconds(std::chrono::nanoseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(seconds, 1, std::numeric_limits<int>::max()));
}

}  // namespace tidegate::gateway
