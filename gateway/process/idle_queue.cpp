#include "gateway/process/idle_queue.hpp"

namespace tidegate::gateway {
namespace {

constexpr int kMostLooks = 16;  // each is a system call

}  // namespace

bool shed_longest(IdleQueue& kept_alive, IdleQueue& silent, net::TimePoint now,
                  net::Clock::duration patience) {
  for (int i = 0; i < kMostLooks; ++i) {
    auto* node = kept_alive.longest();
    if (node == nullptr) {
      node = silent.longest();
      if (node == nullptr || now - node->since() < patience) return false;
    }
    node->leave();  // one whose request has arrived is about to leave by itself
    if (node->close_if_idle()) return true;
  }
  return false;
}

}  // namespace tidegate::gateway
