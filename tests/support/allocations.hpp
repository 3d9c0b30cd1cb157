// Counts allocations of chosen threads. Linking it replaces operator new of the whole program.
#pragma once

#include <cstddef>

namespace tidegate::test {

// What the calling thread allocates counts from now on, while counting is on.
void count_on_this_thread();
// From zero.
void start_counting();
[[nodiscard]] std::size_t stop_counting();

}  // namespace tidegate::test
