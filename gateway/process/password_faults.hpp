// The password files of a configuration, read before anybody is asked for one.
#pragma once

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::gateway {

// Adds a fault for each file that cannot be read or understood. Blocks on the files: not for a worker.
void check_password_files(const conf::Config& config, conf::ConfigErrors& faults);

}  // namespace tidegate::gateway
