// The password files of a configuration, read before anybody is asked for one.
#pragma once

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::gateway {

// Adds a fault for each file that cannot be read or understood; returns what works but should be put right: a
// file without names. Blocks on the files: not for a worker.
conf::ConfigErrors check_password_files(const conf::Config& config, conf::ConfigErrors& faults);

}  // namespace tidegate::gateway
