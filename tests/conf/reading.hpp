// Reading YAML in tests.
#pragma once

#include <string>
#include <string_view>

#include "conf/yaml_reader.hpp"
#include "tests/support/catch.hpp"

namespace tidegate::conf {

// The errors of `text`, one a line as they are printed.
inline std::string errors_of(std::string_view text) {
  const ReadResult result = read_yaml(text, "t.yaml");
  std::string out;
  if (const auto* errors = std::get_if<ConfigErrors>(&result)) {
    for (const auto& error : *errors) out += error.text() + "\n";
  }
  return out;
}

// The configuration in `text`, which has to be good.
inline Config config_of(std::string_view text) {
  ReadResult result = read_yaml(text, "t.yaml");
  INFO(errors_of(text));
  REQUIRE(std::holds_alternative<Config>(result));
  return std::get<Config>(std::move(result));
}

}  // namespace tidegate::conf
