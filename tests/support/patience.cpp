#include "tests/support/patience.hpp"

#include <poll.h>

namespace tidegate::test {

bool holds_within(std::chrono::milliseconds time, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return condition();
    ::poll(nullptr, 0, 1);
  }
  return true;
}

void wait_until(const std::string& what, const std::function<bool()>& condition) {
  if (!holds_within(kPatience, condition)) throw Unexpected("waited in vain: " + what);
}

}  // namespace tidegate::test
