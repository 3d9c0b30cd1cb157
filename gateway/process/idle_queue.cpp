#include "gateway/process/idle_queue.hpp"

#include <algorithm>
#include <array>

namespace tidegate::gateway {
namespace {

constexpr int kMostLooks = 16;  // each is a system call
constexpr std::size_t kSample = 64;
constexpr std::size_t kCrowd = 16;  // so many of a sample

IdleNode* next_to_shed(const IdleQueue& kept_alive, const IdleQueue& newcomers, net::TimePoint now,
                       net::Clock::duration patience) {
  if (kept_alive.longest() != nullptr) return kept_alive.longest();
  auto* const newcomer = newcomers.longest();
  if (newcomer != nullptr && now - newcomer->since() < patience) return newcomers.longest_of_crowd();
  return newcomer;
}

}  // namespace

IdleNode* IdleQueue::longest_of_crowd() const {
  std::array<std::uint64_t, kSample> sample{};
  auto end = sample.begin();
  for (auto* node = first_; node != nullptr && end != sample.end(); node = node->later_)
    *end++ = node->client_;
  std::sort(sample.begin(), end);
  std::size_t most = kCrowd - 1;
  std::uint64_t client = 0;
  const auto known = std::upper_bound(sample.begin(), end, 0U);
  for (auto at = known; at != end;) {
    const auto next = std::upper_bound(at, end, *at);
    if (const auto count = static_cast<std::size_t>(next - at); count > most) {
      most = count;
      client = *at;
    }
    at = next;
  }
  if (client == 0) return nullptr;
  auto* node = first_;
  while (node->client_ != client) node = node->later_;
  return node;
}

bool shed_longest(IdleQueue& kept_alive, IdleQueue& newcomers, net::TimePoint now,
                  net::Clock::duration patience) {
  for (int i = 0; i < kMostLooks; ++i) {
    auto* const node = next_to_shed(kept_alive, newcomers, now, patience);
    if (node == nullptr) return false;
    node->leave();  // one whose request has arrived is about to leave by itself
    if (node->give_way()) return true;
  }
  return false;
}

bool enter_bounded(IdleQueue& queue, IdleNode& node, std::size_t most, net::TimePoint now) {
  bool closed = false;
  while (queue.size() >= most) {
    auto* const of_crowd = queue.longest_of_crowd();
    auto* const leaving = of_crowd != nullptr ? of_crowd : queue.longest();
    leaving->leave();
    closed = leaving->give_way() || closed;
  }
  queue.enter(node, now);
  return closed;
}

}  // namespace tidegate::gateway
