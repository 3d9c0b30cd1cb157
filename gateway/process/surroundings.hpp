// What a configuration counts on beyond its own text: addresses of this machine, directories, log files.
#pragma once

#include <string>

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::gateway {

// Each with its place, the reason and the fix.
struct Surroundings {
  conf::ConfigErrors lacking;   // without it the gateway does not start here; elsewhere it may
  conf::ConfigErrors doubtful;  // it starts, but something of it has no effect or does not work
};

// The key that gives a listener its address, and where it is written.
struct ListenerKey {
  std::string path;
  conf::Place place;
};
[[nodiscard]] ListenerKey listener_key(const conf::Config& config, std::size_t listener);

// Looks at the files, and binds a socket to each address for a moment, without a port. Nothing is made or
// changed. An endpoint that is still a name may have addresses of any family. Blocks: not for a worker.
[[nodiscard]] Surroundings look_around(const conf::Config& config);

}  // namespace tidegate::gateway
