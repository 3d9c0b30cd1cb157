// Where a configuration comes from, for reading it anew.
#pragma once

#include <functional>
#include <string>

#include "conf/yaml_reader.hpp"

namespace tidegate::gateway {

struct ConfigSource {
  std::string file;                        // is watched with `watch: true`; empty: there is none
  std::function<conf::ReadResult()> read;  // any thread; null: there is nothing to reload
};

}  // namespace tidegate::gateway
