// Names of endpoints, until discovery follows them: resolved once, at start.
#pragma once

#include <memory>

#include "conf/config.hpp"

namespace tidegate::gateway {

// The configuration with every endpoint that is a name replaced by one endpoint for each of its addresses.
// Blocks while it asks the system's resolver. Throws std::runtime_error that names the endpoint's place and
// why it has no address.
[[nodiscard]] std::shared_ptr<const conf::Config> resolve_names(std::shared_ptr<const conf::Config> config);

}  // namespace tidegate::gateway
