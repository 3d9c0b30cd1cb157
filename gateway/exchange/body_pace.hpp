// Whether a body comes fast enough. Pure.
#pragma once

#include <optional>

#include "conf/config.hpp"
#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

// Measured over windows of waiting: a sender is not charged for the time in which nobody waits for it, an
// endpoint that reads slowly above all.
class PaceKeeper {
 public:
  explicit PaceKeeper(const conf::BodyPace& pace) : pace_(pace) {}

  // When a wait that begins at `now` must be interrupted for a verdict; never without a minimum.
  [[nodiscard]] net::TimePoint verdict_at(net::TimePoint now) const {
    return pace_.bytes_per_second == 0 ? net::TimePoint::max() : now + (pace_.window - waited_);
  }
  // Of the body itself.
  void received(std::size_t bytes) { bytes_ += bytes; }
  // A wait of this length is over.
  void waited(net::Clock::duration wait) { waited_ += wait; }
  // True if a window is over and too little has come in it.
  [[nodiscard]] bool too_slow() {
    if (pace_.bytes_per_second == 0 || waited_ < pace_.window) return false;
    const double seconds = std::chrono::duration<double>(waited_).count();
    const bool slow = static_cast<double>(bytes_) < seconds * static_cast<double>(pace_.bytes_per_second);
    if (slow) slow_rate_ = static_cast<std::uint64_t>(static_cast<double>(bytes_) / seconds);
    waited_ = {};
    bytes_ = 0;
    return slow;
  }

  [[nodiscard]] const conf::BodyPace& asked() const { return pace_; }
  // Bytes per second of the window that was too slow; nothing if none was.
  [[nodiscard]] std::optional<std::uint64_t> slow_rate() const { return slow_rate_; }

 private:
  conf::BodyPace pace_;
  std::optional<std::uint64_t> slow_rate_;
  net::Clock::duration waited_{0};
  std::uint64_t bytes_ = 0;
};

}  // namespace tidegate::gateway
