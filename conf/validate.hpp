// Checks that hold over the whole tree, whatever language it was written in: references, duplicates,
// unreachable routes, contradictory or out-of-range values. A value that a reader leaves empty because it
// could not be read is not reported again.
#pragma once

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::conf {

// Paths are those of the YAML spelling; places are those of the nearest listener, route, upstream or
// endpoint.
[[nodiscard]] ConfigErrors validate(const Config& config);

}  // namespace tidegate::conf
