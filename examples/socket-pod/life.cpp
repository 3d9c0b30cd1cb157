#include "examples/socket-pod/life.hpp"

#include <algorithm>

namespace tidegate::pod {

std::string_view text(Phase phase) {
  switch (phase) {
    case Phase::refusing: return "refusing";
    case Phase::unready: return "unready";
    case Phase::serving: return "serving";
    case Phase::pre_stop: return "preStop";
    case Phase::leaving: return "leaving";
    case Phase::closed: return "closed";
  }
  return "unknown";
}

unsigned Life::ready_status(Clock::time_point now) const {
  // Soketi answers 500, not 503, from the moment it is closing.
  if (sends_away()) return 500;
  if (!takes_handshakes()) return 503;
  if (order && (!order->until || now < *order->until)) return order->status;
  return 200;
}

void Life::count_opened(Clock::time_point now) {
  ++counts.handshakes;
  if (ready_status(now) != 200) ++counts.handshakes_unready;
  ++counts.sockets;
  counts.peak = std::max(counts.peak, counts.sockets);
}

}  // namespace tidegate::pod
