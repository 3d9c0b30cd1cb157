// Memory of coroutine frames: recycled per thread, so that a coroutine call in steady state allocates
// nothing.
#pragma once

#include <cstddef>

namespace tidegate::net {

// Frames are freed on the thread that made them; a frame freed elsewhere simply joins that thread's list.
[[nodiscard]] void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace tidegate::net
