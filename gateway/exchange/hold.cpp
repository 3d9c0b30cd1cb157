#include "gateway/exchange/hold.hpp"

#include <algorithm>

namespace tidegate::gateway {

void HoldQueue::push(HoldTicket ticket) {
  queue_.push_back(ticket);
  waiting_.insert(ticket.id);
}

void HoldQueue::withdraw(std::uint64_t id) {
  waiting_.erase(id);
  drop_withdrawn();
}

void HoldQueue::drop_withdrawn() {
  while (!queue_.empty() && !waiting_.contains(queue_.front().id)) queue_.pop_front();
}

bool HoldQueue::empty() {
  drop_withdrawn();
  return queue_.empty();
}

HoldTicket HoldQueue::pop() {
  const auto ticket = queue_.front();
  queue_.pop_front();
  waiting_.erase(ticket.id);
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
