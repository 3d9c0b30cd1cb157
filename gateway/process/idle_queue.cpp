#include "gateway/process/idle_queue.hpp"

#include <algorithm>
#include <array>

namespace tidegate::gateway {
namespace {

constexpr int kMostLooks = 16;  // each is a system call
constexpr std::size_t kSample = 64;

IdleNode* next_to_shed(const IdleQueue& kept_alive, const IdleQueue& newcomers, const Newcomer& newcomer,
                       net::Clock::duration patience) {
  if (kept_alive.longest() != nullptr) return kept_alive.longest();
  auto* const longest = newcomers.longest();
  if (longest != nullptr && newcomer.now - longest->since() < patience)
    return newcomers.longest_of_crowd(newcomer.client);
  return longest;
}

}  // namespace

IdleNode* IdleQueue::longest_of(std::uint64_t client) const {
  auto* node = first_;
  for (std::size_t i = 0; i < kSample && node != nullptr; ++i, node = node->later_)
    if (node->client_ == client) return node;
  return nullptr;
}

IdleNode* IdleQueue::longest_of_crowd(std::uint64_t newcomer) const {
  if (newcomer == 0) return nullptr;
  std::array<std::uint64_t, kSample> sample{};
  auto end = sample.begin();
  for (auto* node = first_; node != nullptr && end != sample.end(); node = node->later_)
    *end++ = node->client_;
  std::sort(sample.begin(), end);
  const auto own = std::equal_range(sample.begin(), end, newcomer);
  auto most = own.second - own.first + 1;
  std::uint64_t client = 0;
  for (auto at = std::upper_bound(sample.begin(), end, 0U); at != end;) {
    const auto next = std::upper_bound(at, end, *at);
    if (next - at > most) {
      most = next - at;
      client = *at;
    }
    at = next;
  }
  return client == 0 ? nullptr : longest_of(client);
}

bool shed_longest(IdleQueue& kept_alive, IdleQueue& newcomers, const Newcomer& newcomer,
                  net::Clock::duration patience) {
  for (int i = 0; i < kMostLooks; ++i) {
    auto* const node = next_to_shed(kept_alive, newcomers, newcomer, patience);
    if (node == nullptr) return false;
    node->leave();  // one whose request has arrived is about to leave by itself
    if (node->give_way()) return true;
  }
  return false;
}

bool enter_bounded(IdleQueue& queue, IdleNode& node, std::size_t most, net::TimePoint now) {
  bool closed = false;
  while (queue.size() >= most) {
    auto* leaving = queue.longest_of_crowd(node.client());
    if (leaving == nullptr && node.client() != 0) leaving = queue.longest_of(node.client());
    if (leaving == nullptr) leaving = queue.longest();
    leaving->leave();
    closed = leaving->give_way() || closed;
  }
  queue.enter(node, now);
  return closed;
}

}  // namespace tidegate::gateway
