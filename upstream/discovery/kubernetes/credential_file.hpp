// Files that hold one credential.
#pragma once

#include <string>

#include "conf/units.hpp"

namespace tidegate::upstream {

// A bearer token without the blanks around it. The error says what is wrong with it: it is to stand in a
// field of a request.
[[nodiscard]] conf::Parsed<std::string> read_token(const std::string& text);
// The errors name the file.
[[nodiscard]] conf::Parsed<std::string> read_token_file(const std::string& file);
[[nodiscard]] conf::Parsed<std::string> read_credential_file(const std::string& file);

}  // namespace tidegate::upstream
