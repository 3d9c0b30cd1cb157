// Reads a YAML configuration into plain values. All faults are found in one go, each with its place and a fix.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/config.hpp"

namespace tidegate::conf {

// One fault of a configuration. `path` is the field's place in the tree (`upstreams.soketi.balance`); `message`
// says what is wrong and what to write instead.
struct ConfigError {
  Place place;
  std::string path;
  std::string message;

  // `FILE:LINE:COLUMN: PATH: MESSAGE`
  [[nodiscard]] std::string text() const;
};

using ConfigErrors = std::vector<ConfigError>;
using ReadResult = std::variant<Config, ConfigErrors>;

// Reads and validates; `file` is used in messages only by `read_yaml`. Errors are sorted by place.
[[nodiscard]] ReadResult read_yaml(std::string_view text, const std::string& file);
[[nodiscard]] ReadResult read_yaml_file(const std::string& path);

}  // namespace tidegate::conf
