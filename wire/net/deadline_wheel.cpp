#include "wire/net/deadline_wheel.hpp"

#include <algorithm>
#include <bit>

namespace tidegate::net {

void DeadlineNode::disarm() {
  if (wheel_ != nullptr) wheel_->unlink(*this);
}

DeadlineWheel::DeadlineWheel(TimePoint now) : start_(now) {}

std::int64_t DeadlineWheel::tick_of(TimePoint at) const {
  const auto elapsed = std::chrono::ceil<std::chrono::milliseconds>(at - start_).count();
  return (elapsed + kTickMilliseconds - 1) / kTickMilliseconds;
}

void DeadlineWheel::arm(DeadlineNode& node, TimePoint at) {
  node.disarm();
  node.tick_ = std::max(tick_of(at), current_ + 1);
  link(node, static_cast<std::size_t>(node.tick_) % kSlots);
}

void DeadlineWheel::link(DeadlineNode& node, std::size_t slot) {
  node.wheel_ = this;
  node.slot_ = slot;
  node.previous_ = nullptr;
  node.next_ = slots_[slot];
  if (node.next_ != nullptr) node.next_->previous_ = &node;
  slots_[slot] = &node;
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  ++size_;
}

void DeadlineWheel::unlink(DeadlineNode& node) {
  const auto slot = node.slot_;
  if (node.next_ != nullptr) node.next_->previous_ = node.previous_;
  if (node.previous_ != nullptr) {
    node.previous_->next_ = node.next_;
  } else {
    slots_[slot] = node.next_;
    if (slots_[slot] == nullptr) occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  }
  node.wheel_ = nullptr;
  node.previous_ = node.next_ = nullptr;
  --size_;
}

void DeadlineWheel::advance(TimePoint now) {
  // Rounded down: a tick is fired once it has wholly passed.
  const auto elapsed = std::chrono::floor<std::chrono::milliseconds>(now - start_).count();
  const auto target = elapsed / kTickMilliseconds;
  if (target <= current_) return;
  if (size_ == 0) {
    current_ = target;
    return;
  }
  const auto first = current_ + 1;
  const auto count = std::min<std::int64_t>(target - current_, kSlots);
  current_ = target;
  for (std::int64_t i = 0; i < count; ++i) fire_slot(static_cast<std::size_t>(first + i) % kSlots);
}

void DeadlineWheel::fire_slot(std::size_t slot) {
  // What fires may disarm or destroy any other node, so the due ones are first moved to a list of their own,
  // from which they can still be unlinked; nodes of later rounds stay.
  for (auto* node = slots_[slot]; node != nullptr;) {
    auto* next = node->next_;
    if (node->tick_ <= current_) {
      unlink(*node);
      link(*node, kFiring);
    }
    node = next;
  }
  while (auto* node = slots_[kFiring]) {
    unlink(*node);
    node->on_deadline();
  }
}

std::optional<TimePoint> DeadlineWheel::next_due() const {
  if (size_ == 0) return std::nullopt;
  const auto begin = static_cast<std::size_t>(current_ + 1) % kSlots;
  for (std::size_t step = 0; step < kSlots;) {
    const auto slot = (begin + step) % kSlots;
    const auto word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      const auto tick = current_ + 1 + static_cast<std::int64_t>(step) + std::countr_zero(word);
      return start_ + std::chrono::milliseconds(tick * kTickMilliseconds);
    }
    step += 64 - slot % 64;
  }
  return std::nullopt;
}

}  // namespace tidegate::net
