// How long tests wait for what must happen: every wait ends at a condition or at this bound, and none is a
// fixed pause.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

namespace tidegate::test {

// For what comes within milliseconds unless something is broken; a sanitizer on a busy machine is slow.
inline constexpr std::chrono::milliseconds kPatience{10'000};

// A wait that was in vain, or a peer that did not do what the script expects.
class Unexpected : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// True once the condition holds; false if it does not within the time. Looks every millisecond.
[[nodiscard]] bool holds_within(std::chrono::milliseconds time, const std::function<bool()>& condition);
// The same with `kPatience`; throws Unexpected, which names `what`, in vain.
void wait_until(const std::string& what, const std::function<bool()>& condition);

}  // namespace tidegate::test
