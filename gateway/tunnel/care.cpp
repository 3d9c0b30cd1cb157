#include "gateway/tunnel/care.hpp"

#include <algorithm>

namespace tidegate::gateway {

PulseNeed Pulse::look(net::TimePoint::duration interval, int dead_after, net::TimePoint now) const {
  if (now >= heard_ + interval * dead_after) return PulseNeed::dead;
  return now >= pinged_ + interval ? PulseNeed::ping : PulseNeed::nothing;
}

net::TimePoint Pulse::due(net::TimePoint::duration interval, int dead_after) const {
  return std::min(heard_ + interval * dead_after, pinged_ + interval);
}

net::TimePoint SendPace::count(const conf::SocketRate& rate, std::uint64_t messages, std::uint64_t bytes,
                               net::TimePoint now) {
  const auto spend = [&](net::TimePoint& due, std::uint64_t amount, std::uint64_t per_second) {
    if (per_second == 0) return now;
    // In floating point: a large frame at a low rate must not wrap. A day ahead is as good as for ever.
    constexpr double most = 86'400.0;
    const auto seconds = std::min(static_cast<double>(amount) / static_cast<double>(per_second), most);
    due = std::max(due, now) +
          std::chrono::duration_cast<net::TimePoint::duration>(std::chrono::duration<double>(seconds));
    return std::max(due - rate.burst, now);
  };
  const auto after_messages = spend(messages_due_, messages, rate.messages_per_second);
  return std::max(after_messages, spend(bytes_due_, bytes, rate.bytes_per_second));
}

}  // namespace tidegate::gateway
