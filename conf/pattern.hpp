// Checks regular expressions of routes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::conf {

// PCRE2's message and the offset in `pattern`, or nothing if it compiles (as bytes, without options).
[[nodiscard]] std::optional<std::string> pattern_fault(std::string_view pattern);

}  // namespace tidegate::conf
