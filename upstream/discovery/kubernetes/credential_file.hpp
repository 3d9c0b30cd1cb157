// Small files that say who somebody is.
#pragma once

#include <string>

#include "conf/units.hpp"

namespace tidegate::upstream {

// A token or a name without the blanks around it. The error says what is wrong with it: it is to stand in a
// request.
[[nodiscard]] conf::Parsed<std::string> read_word(const std::string& text);
// The errors name the file.
[[nodiscard]] conf::Parsed<std::string> read_word_file(const std::string& file);
[[nodiscard]] conf::Parsed<std::string> read_credential_file(const std::string& file);

}  // namespace tidegate::upstream
