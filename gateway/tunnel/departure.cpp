#include "gateway/tunnel/departure.hpp"

#include <algorithm>
#include <numeric>

namespace tidegate::gateway {
namespace {

// While there is no room, it may come at any time.
constexpr net::TimePoint::duration kLookAgain = std::chrono::milliseconds(100);
constexpr net::TimePoint::duration kAwaited = std::chrono::seconds(5);
constexpr net::TimePoint::duration kShortestWait = std::chrono::milliseconds(1);

// The finalizer of splitmix64, as a number from 0 to below 1.
double fraction(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  bits ^= bits >> 31;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

void Absentees::leave(std::size_t count, net::TimePoint now) {
  if (count > 0) groups_.push_back({now, count});
}

void Absentees::come_back(std::size_t count) {
  while (count > 0 && !groups_.empty()) {
    auto& earliest = groups_.front();
    const auto back = std::min(count, earliest.count);
    earliest.count -= back;
    count -= back;
    if (earliest.count == 0) groups_.pop_front();
  }
}

std::size_t Absentees::count(net::TimePoint now) {
  while (!groups_.empty() && now - groups_.front().left_at > kAwaited) groups_.pop_front();
  return std::accumulate(groups_.begin(), groups_.end(), std::size_t{0},
                         [](std::size_t sum, const Group& group) { return sum + group.count; });
}

Departure::Departure(const DeparturePlan& plan, net::TimePoint now) : plan_(plan), begun_(now), seen_(now) {
  if (plan.most_per_second <= 0) return;
  const std::chrono::duration<double> least(static_cast<double>(plan.sockets) / plan.most_per_second);
  plan_.window = std::max(plan_.window, std::chrono::duration_cast<net::TimePoint::duration>(least));
}

// Each has an equal part of the window, and goes at some moment within it.
net::TimePoint::duration Departure::time_of(std::size_t number) const {
  const auto share = std::chrono::duration<double, net::TimePoint::period>(plan_.window) /
                     static_cast<double>(std::max<std::size_t>(plan_.sockets, 1));
  const auto at = share * (static_cast<double>(number) + fraction(plan_.seed ^ number));
  return std::chrono::duration_cast<net::TimePoint::duration>(at);
}

std::size_t Departure::take_due(net::TimePoint now, std::size_t left, const ReturnRoom& room) {
  const auto since = now - seen_;
  seen_ = now;
  if (is_late(now)) {
    closed_ += left;
    return left;
  }
  if (room.places == 0 || room.reconnects_fail) return 0;
  passed_ += since;
  // Who has gone by himself takes the first part of the window that is left.
  closed_ = std::max(closed_, plan_.sockets - std::min(left, plan_.sockets));
  const auto most = std::min(left, room.places);
  std::size_t due = 0;
  while (due < most && (closed_ >= plan_.sockets || time_of(closed_) <= passed_)) {
    ++due;
    ++closed_;
  }
  // No room for all that were due: the time for the others has not passed.
  if (due == room.places && due < left && closed_ < plan_.sockets)
    passed_ = std::min(passed_, time_of(closed_));
  return due;
}

net::TimePoint Departure::next() const {
  const auto wait = closed_ < plan_.sockets ? time_of(closed_) - passed_ : kLookAgain;
  const auto again = seen_ + std::clamp(wait, kShortestWait, kLookAgain);
  return is_late(seen_) ? again : std::min(again, begun_ + plan_.deadline);
}

std::vector<std::size_t> surpluses(std::span<const EndpointLoad> loads, std::uint32_t tolerance_percent) {
  double taken = 0;
  double weights = 0;
  for (const auto& load : loads) {
    taken += load.taken;
    weights += load.weight;
  }
  std::vector<std::size_t> surplus;
  surplus.reserve(loads.size());
  for (const auto& load : loads) {
    const double share = weights == 0 ? 0 : taken * load.weight / weights;
    const double over = load.taken - share * (1 + tolerance_percent / 100.0);
    surplus.push_back(loads.size() < 2 || over < 1 ? 0 : static_cast<std::size_t>(over));
  }
  return surplus;
}

std::vector<std::size_t> idle_longest(std::span<const net::TimePoint> active, std::size_t count) {
  std::vector<std::size_t> order(active.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) { return active[a] < active[b]; });
  order.resize(count);
  return order;
}

}  // namespace tidegate::gateway
