#include "wire/http/field_line.hpp"

#include "wire/http/characters.hpp"

namespace tidegate::http {

namespace {

// `line` has no valid name directly followed by a colon; `name_size` is how far a token reached.
HeadError name_fault(std::string_view line, std::size_t name_size) {
  const auto colon = line.find(':');
  const auto carriage_return = line.find('\r');
  if (carriage_return < colon) return HeadError::bare_carriage_return;
  if (colon == std::string_view::npos) return HeadError::missing_colon;
  const auto gap = line.substr(name_size, colon - name_size);
  return name_size > 0 && trim(gap).empty() ? HeadError::space_before_colon : HeadError::bad_field_name;
}

}  // namespace

HeadError parse_field_line(std::string_view line, Field& field) {
  // A first byte of white space would continue the line before it (RFC 9112 5.2): never tolerated, because
  // whoever joins the lines and whoever does not see two different messages.
  if (line.front() == ' ' || line.front() == '\t') return HeadError::obsolete_folding;
  std::size_t name_size = 0;
  while (name_size < line.size() && is_a(line[name_size], character::token)) ++name_size;
  if (name_size == line.size() || line[name_size] != ':') return name_fault(line, name_size);
  if (name_size == 0) return HeadError::bad_field_name;
  const auto value = trim(line.substr(name_size + 1));
  if (!is_field_value(value)) {
    const bool has_return = value.find('\r') != std::string_view::npos;
    return has_return ? HeadError::bare_carriage_return : HeadError::bad_field_value;
  }
  field = {line.substr(0, name_size), value};
  return HeadError::none;
}

}  // namespace tidegate::http
