#include "gateway/exchange/hold.hpp"

#include <algorithm>

namespace tidegate::gateway {

void HoldQueue::withdraw(std::uint64_t id) {
  withdrawn_.insert(id);
  drop_withdrawn();
}

void HoldQueue::drop_withdrawn() {
  while (!queue_.empty() && withdrawn_.erase(queue_.front().id) > 0) queue_.pop_front();
  // A grant and a withdrawal may cross: an id that is in no queue is forgotten with the last ticket.
  if (queue_.empty()) withdrawn_.clear();
}

bool HoldQueue::empty() {
  drop_withdrawn();
  return queue_.empty();
}

HoldTicket HoldQueue::pop() {
  const auto ticket = queue_.front();
  queue_.pop_front();
  drop_withdrawn();
  return ticket;
}

int HoldQueue::allowance(net::TimePoint now, int per_second) {
  const double most = std::max(1.0, per_second / 10.0);
  const double passed = std::chrono::duration<double>(now - refilled_).count();
  tokens_ = std::min(most, tokens_ + passed * per_second);
  refilled_ = now;
  return static_cast<int>(tokens_);
}

}  // namespace tidegate::gateway
