#pragma once

#include <stdexcept>

namespace tidegate::test {

// Something this machine lacks, in words that say what to install or allow. Ends a tool with status 77, which
// ctest and automake take for skipped.
struct Missing : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr int status_missing = 77;

}  // namespace tidegate::test
