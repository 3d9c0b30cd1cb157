// What every fuzz target is made of: one function that takes bytes. clang's libFuzzer drives it (`./dev
// fuzz`); in the suite `replay.cpp` hands it the files of the corpus. A property that does not hold ends the
// program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tidegate::fuzz {

[[nodiscard]] inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Prints `what` and aborts unless it holds.
void require(bool holds, std::string_view what);

}  // namespace tidegate::fuzz
