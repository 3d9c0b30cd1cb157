// A file that lists endpoints for another system to write: a YAML or JSON list as under `endpoints` of an
// upstream, or a map with that key.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::conf {

using EndpointListResult = std::variant<std::vector<Endpoint>, ConfigErrors>;

// Reads and checks; `file` is used in messages only. An empty list is one; an empty text is a fault, since it
// is what a file looks like that is just being written. Names are refused: addresses are what is listed.
// Bounded as a configuration is; never throws for what the text says.
[[nodiscard]] EndpointListResult read_endpoint_list(std::string_view text, const std::string& file);

}  // namespace tidegate::conf
