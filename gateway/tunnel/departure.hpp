// When each of a number of WebSockets is to be closed, so that their clients do not all come back at once.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

struct DeparturePlan {
  std::size_t sockets = 0;              // at the begin
  net::TimePoint::duration window{};    // over which they are spread
  double most_per_second = 0;           // 0: as the window says; else the window is as long as this needs
  net::TimePoint::duration deadline{};  // after it all that are left go at once, whatever the room; not 0
  std::uint64_t seed = 0;               // of the jitter
};

// What there is for clients that come back.
struct ReturnRoom {
  std::size_t places = 0;        // free at endpoints that are ready
  bool reconnects_fail = false;  // those who were closed before are not served again yet
};

// Clients that were sent away lately: who has not come back yet will want a place. Who is not back within
// some seconds is not awaited any more.
class Absentees {
 public:
  void leave(std::size_t count, net::TimePoint now);
  // Of whoever comes nobody knows whether he was here before.
  void come_back(std::size_t count);
  [[nodiscard]] std::size_t count(net::TimePoint now);

 private:
  struct Group {
    net::TimePoint left_at;
    std::size_t count;
  };
  std::deque<Group> groups_;  // the earliest first
};

// One departure as it goes. Time stands still for it, its deadline aside, while clients could not come back.
class Departure {
 public:
  Departure(const DeparturePlan& plan, net::TimePoint now);

  // How many are to be closed now; they count as closed. `left`: those that are open still, some of which may
  // have gone by themselves.
  [[nodiscard]] std::size_t take_due(net::TimePoint now, std::size_t left, const ReturnRoom& room);
  // The deadline has passed: nobody is waited for any more.
  [[nodiscard]] bool is_late(net::TimePoint now) const { return now >= begun_ + plan_.deadline; }
  // When to ask again; never for one that is over.
  [[nodiscard]] net::TimePoint next() const;

 private:
  [[nodiscard]] net::TimePoint::duration time_of(std::size_t number) const;

  DeparturePlan plan_;
  net::TimePoint begun_;
  net::TimePoint seen_;                // when it was asked last
  net::TimePoint::duration passed_{};  // of the window
  std::size_t closed_ = 0;
};

// Places that are taken at one endpoint, beside its weight among the others.
struct EndpointLoad {
  int taken = 0;
  int weight = 1;
};

// How many each has above its share, the tolerance included; 0 for who is not above it.
[[nodiscard]] std::vector<std::size_t> surpluses(std::span<const EndpointLoad> loads,
                                                 std::uint32_t tolerance_percent);

// The `count` that have been silent the longest, as indices into `active`, the times of their last words.
[[nodiscard]] std::vector<std::size_t> idle_longest(std::span<const net::TimePoint> active,
                                                    std::size_t count);

}  // namespace tidegate::gateway
