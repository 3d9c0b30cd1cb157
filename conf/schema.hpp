// The configuration's JSON Schema (draft 2020-12), for editors.
#pragma once

#include <string>

namespace tidegate::conf {

[[nodiscard]] std::string json_schema();

}  // namespace tidegate::conf
