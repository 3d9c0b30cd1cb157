// Rates as they are written in configurations.
#pragma once

#include <chrono>
#include <string_view>

#include "conf/units.hpp"

namespace tidegate::conf {

// The time between two events of `10/s`, `600/m`, `100/h` or `50/d`; nginx's `10r/s` is taken too. From
// 1/d to 1000000/s.
[[nodiscard]] Parsed<std::chrono::nanoseconds> parse_rate(std::string_view text);

}  // namespace tidegate::conf
