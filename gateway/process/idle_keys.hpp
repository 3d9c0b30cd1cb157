// Keys of a configuration that are valid and yet have no effect, or another one than they seem to have.
#pragma once

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::gateway {

// Warnings, each with its place and the fix: a limit that nothing names, client certificates that are to be
// forwarded but are not asked for, a redirect to https at a port where no listener speaks TLS. Pure.
[[nodiscard]] conf::ConfigErrors idle_keys(const conf::Config& config);

}  // namespace tidegate::gateway
