// The waiting room of one upstream: requests wait in order until an endpoint can take them, and leave at a
// pace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "upstream/endpoint.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {

// One waiting request, as control sees it.
struct HoldTicket {
  std::uint64_t id = 0;  // unique within the process
  std::uint32_t worker = 0;
  std::uint64_t client = 0;  // equal for those of one client
  // An upgrade that waits for more than a place: its turn at the pace, an endpoint that takes new sockets.
  bool upgrade = false;
};

// Clients take turns, each with its own in the order of their arrival; who leaves gives the place free at
// once. Pure, owned by control.
class HoldQueue {
 public:
  void push(HoldTicket ticket);
  // The client went away or its time is over. A ticket that was released meanwhile is ignored.
  void withdraw(std::uint64_t id);
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  // The next in line; the queue must not be empty.
  HoldTicket pop();

  // How many may be released at `now` at `per_second`: a bucket that holds a tenth of a second's worth, so
  // that the first of a herd go at once and the rest at the pace.
  [[nodiscard]] int allowance(net::TimePoint now, int per_second);
  void spend() { tokens_ -= 1.0; }

 private:
  void compact();

  std::unordered_map<std::uint64_t, std::deque<HoldTicket>> lines_;  // by client; none is empty
  std::deque<std::uint64_t> turns_;                                  // the clients with a line
  std::unordered_set<std::uint64_t> waiting_;                        // the tickets that were not withdrawn
  std::size_t stored_ = 0;                                           // tickets in lines
  double tokens_ = 0;
  net::TimePoint refilled_{};
};

// The waiting request's own side, in the frame of its coroutine; known to its worker while it waits.
struct HoldSeat {
  explicit HoldSeat(net::EventLoop& loop) : granted(loop) {}
  std::uint64_t id = 0;
  std::uint64_t client = 0;
  bool upgrade = false;  // as in HoldTicket
  net::Signal granted;
  upstream::Reservation place;  // comes with the grant
};

}  // namespace tidegate::gateway
