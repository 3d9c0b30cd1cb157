// Counts allocations of chosen threads, and lets one of them fail. Linking it replaces operator new of the
// whole program.
#pragma once

#include <cstddef>

namespace tidegate::test {

// What the calling thread allocates counts from now on, while counting is on.
void count_on_this_thread();
// From zero.
void start_counting();
[[nodiscard]] std::size_t stop_counting();
// The next allocation of so many bytes on a thread that counts fails with std::bad_alloc.
void fail_allocation_of(std::size_t size);
// It has failed.
[[nodiscard]] bool allocation_failed();

}  // namespace tidegate::test
