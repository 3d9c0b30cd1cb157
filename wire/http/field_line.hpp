// One field line (RFC 9112 5), for the header section and for trailers alike.
#pragma once

#include <string_view>

#include "wire/http/head_parser.hpp"

namespace tidegate::http {

// Splits `line` (not empty, without its line end) into `field`, whose views point into it. `HeadError::none`
// if the line is a valid field line; `field` is untouched otherwise.
[[nodiscard]] HeadError parse_field_line(std::string_view line, Field& field);

}  // namespace tidegate::http
