// Where the programs that a run starts are found.
#pragma once

#include <string>

#include "tests/support/missing.hpp"

namespace tidegate::prove {

using test::Missing;

// The path of a program: as given if it holds a slash; else beside this program, in the build tree around it,
// in PATH, in the system's sbin directories and in Go's bin directory. Throws Missing with `advice`.
[[nodiscard]] std::string find_program(const std::string& name, const std::string& advice);

// The k6 script of the source tree this program was built from.
[[nodiscard]] std::string default_k6_script();

}  // namespace tidegate::prove
