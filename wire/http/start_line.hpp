// The first line of a head: a request line (RFC 9112 3) or a status line (RFC 9112 4).
#pragma once

#include <cstddef>
#include <string_view>

#include "wire/http/head_parser.hpp"

namespace tidegate::http {

// What a first line not yet ended already shows: a byte no method begins with, a method or a target that is
// too long. `prefix` is what was received of the line. The answer for a prefix holds for every longer one
// too.
[[nodiscard]] HeadError early_request_line_fault(std::string_view prefix, std::size_t target_limit);
[[nodiscard]] HeadError early_status_line_fault(std::string_view prefix);

// Judge a whole line, without its line end; the views in `head` point into it.
[[nodiscard]] HeadError parse_request_line(std::string_view line, std::size_t target_limit,
                                           RequestHead& head);
[[nodiscard]] HeadError parse_status_line(std::string_view line, ResponseHead& head);

}  // namespace tidegate::http
