// Reads a YAML configuration into plain values. All faults are found in one go, each with its place and a
// fix. The spelling is given in one place for this reader and the JSON Schema alike: `describe.hpp`.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::conf {

using ReadResult = std::variant<Config, ConfigErrors>;

// Reads and validates; `file` is used in messages only by `read_yaml`. Errors are sorted by place. Bounded in
// time and memory whatever the text is; never throws for what the text says.
[[nodiscard]] ReadResult read_yaml(std::string_view text, const std::string& file);
[[nodiscard]] ReadResult read_yaml_file(const std::string& path);

}  // namespace tidegate::conf
