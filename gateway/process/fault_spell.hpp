// A fault that comes and goes: when a line of the log is due, and when it is over.
#pragma once

#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

// Successes between two faults do not end a spell, silence of the fault does. Belongs to one thread.
class FaultSpell {
 public:
  explicit FaultSpell(net::Clock::duration silence) : silence_(silence) {}

  // The fault has come again. True if it is to be said: at first, and then at most once in `silence`.
  [[nodiscard]] bool begin_or_go_on(net::TimePoint now) {
    last_ = now;
    if (on_ && now < say_again_) return false;
    on_ = true;
    say_again_ = now + silence_;
    return true;
  }
  // Something has succeeded. True once per spell, when the fault has not come for `silence`.
  [[nodiscard]] bool ends(net::TimePoint now) {
    if (!on_ || now - last_ < silence_) return false;
    on_ = false;
    return true;
  }

 private:
  net::Clock::duration silence_;
  net::TimePoint last_{};
  net::TimePoint say_again_{};
  bool on_ = false;
};

}  // namespace tidegate::gateway
