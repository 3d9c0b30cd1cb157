// A hashed timer wheel: arming, moving and disarming a deadline are a few instructions and never a system
// call. Resolution is 8 ms; deadlines fire late by at most that, never early. Belongs to one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace tidegate::net {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

class DeadlineWheel;

// Something that has a deadline. Disarms itself when destroyed.
class DeadlineNode {
 public:
  DeadlineNode() = default;
  DeadlineNode(const DeadlineNode&) = delete;
  DeadlineNode& operator=(const DeadlineNode&) = delete;
  [[nodiscard]] bool armed() const { return wheel_ != nullptr; }
  void disarm();

 protected:
  ~DeadlineNode() { disarm(); }

 private:
  friend class DeadlineWheel;
  virtual void on_deadline() = 0;

  DeadlineWheel* wheel_ = nullptr;
  DeadlineNode* previous_ = nullptr;
  DeadlineNode* next_ = nullptr;
  std::int64_t tick_ = 0;
  std::size_t slot_ = 0;
};

class DeadlineWheel {
 public:
  explicit DeadlineWheel(TimePoint now);
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  // Arms `node`, or moves it when it is armed.
  void arm(DeadlineNode& node, TimePoint at);
  // Fires every node that is due. Nodes may be armed, disarmed and destroyed by what they call.
  void advance(TimePoint now);
  // When `advance` should be called next; nullopt when nothing is armed. May be early: a slot holds nodes of
  // later rounds too.
  [[nodiscard]] std::optional<TimePoint> next_due() const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class DeadlineNode;
  static constexpr std::int64_t kTickMilliseconds = 8;
  static constexpr std::size_t kSlots = 1024;

  static constexpr std::size_t kFiring = kSlots;  // the list of nodes about to be fired

  void link(DeadlineNode& node, std::size_t slot);
  void unlink(DeadlineNode& node);
  void fire_slot(std::size_t slot);
  [[nodiscard]] std::int64_t tick_of(TimePoint at) const;

  TimePoint start_;
  std::int64_t current_ = 0;  // the last tick that was fired
  std::size_t size_ = 0;
  std::array<DeadlineNode*, kSlots + 1> slots_{};
  std::array<std::uint64_t, kSlots / 64 + 1> occupied_{};
};

}  // namespace tidegate::net
