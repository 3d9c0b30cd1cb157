#include "gateway/exchange/hold.hpp"

#include <algorithm>

namespace tidegate::gateway {
namespace {

constexpr std::size_t kWithdrawnKept = 64;  // before they are looked for

}  // namespace

void HoldQueue::push(HoldTicket ticket) {
  auto& line = lines_[ticket.client];
  if (line.empty()) turns_.push_back(ticket.client);
  line.push_back(ticket);
  ++stored_;
  waiting_.insert(ticket.id);
}

void HoldQueue::withdraw(std::uint64_t id) {
  waiting_.erase(id);
  if (stored_ > 2 * waiting_.size() + kWithdrawnKept) compact();
}

// Forgets those that were withdrawn.
void HoldQueue::compact() {
  std::erase_if(turns_, [this](std::uint64_t client) {
    auto& line = lines_[client];
    stored_ -=
        std::erase_if(line, [this](const HoldTicket& ticket) { return !waiting_.contains(ticket.id); });
    if (!line.empty()) return false;
    lines_.erase(client);
    return true;
  });
}

HoldTicket HoldQueue::pop() {
  for (;;) {
    const auto client = turns_.front();
    turns_.pop_front();
    auto& line = lines_[client];
    const auto ticket = line.front();
    line.pop_front();
    --stored_;
    const bool waits = waiting_.erase(ticket.id) > 0;
    if (line.empty()) {
      lines_.erase(client);
    } else if (waits) {
      turns_.push_back(client);
    } else {
      turns_.push_front(client);  // its turn is not over
    }
    if (waits) return ticket;
  }
}

int HoldQueue::allowance(net::TimePoint now, int per_second) {
  const double most = std::max(1.0, per_second / 10.0);
  const double passed = std::chrono::duration<double>(now - refilled_).count();
  tokens_ = std::min(most, tokens_ + passed * per_second);
  refilled_ = now;
  return static_cast<int>(tokens_);
}

}  // namespace tidegate::gateway
