#include "gateway/process/idle_queue.hpp"

namespace tidegate::gateway {
namespace {

constexpr int kMostLooks = 16;  // each is a system call

}  // namespace

bool shed_longest(IdleQueue& kept_alive, IdleQueue& newcomers, net::TimePoint now,
                  net::Clock::duration patience) {
  for (int i = 0; i < kMostLooks; ++i) {
    auto* node = kept_alive.longest();
    if (node == nullptr) {
      node = newcomers.longest();
      if (node == nullptr || now - node->since() < patience) return false;
    }
    node->leave();  // one whose request has arrived is about to leave by itself
    if (node->give_way()) return true;
  }
  return false;
}

bool enter_bounded(IdleQueue& queue, IdleNode& node, std::size_t most, net::TimePoint now) {
  bool closed = false;
  while (queue.size() >= most) {
    auto* const longest = queue.longest();
    longest->leave();
    closed = longest->give_way() || closed;
  }
  queue.enter(node, now);
  return closed;
}

}  // namespace tidegate::gateway
