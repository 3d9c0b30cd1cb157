// Counts calls of operator new. Not under a sanitizer, which brings its own: there the count stays at nought.
#pragma once

#include <cstddef>

namespace tidegate::upstream {

// By this thread, since its start.
[[nodiscard]] std::size_t allocations();

}  // namespace tidegate::upstream
