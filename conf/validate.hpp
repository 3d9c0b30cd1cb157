// Checks that hold over the whole tree, whatever language it was written in: references, duplicates, unreachable
// routes, contradictory or out-of-range values.
#pragma once

#include "conf/config.hpp"
#include "conf/yaml_reader.hpp"

namespace tidegate::conf {

[[nodiscard]] ConfigErrors validate(const Config& config);

}  // namespace tidegate::conf
