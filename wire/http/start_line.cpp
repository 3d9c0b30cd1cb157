#include "wire/http/start_line.hpp"

#include "wire/http/characters.hpp"

namespace tidegate::http {

namespace {

constexpr std::size_t longest_method = 64;
constexpr std::string_view after_target = " HTTP/1.1\r\n";
constexpr std::size_t version_size = 8;

// HTTP-version (RFC 9112 2.3) is case-sensitive.
HeadError parse_version(std::string_view text, Version& version) {
  const bool well_formed = text.size() == version_size && text.starts_with("HTTP/") &&
                           is_a(text[5], character::digit) && text[6] == '.' &&
                           is_a(text[7], character::digit);
  if (!well_formed) return HeadError::bad_version;
  if (text[5] != '1' || text[7] > '1') return HeadError::unsupported_version;
  version = text[7] == '1' ? Version::http_1_1 : Version::http_1_0;
  return HeadError::none;
}

HeadError blame_return_or(std::string_view line, HeadError otherwise) {
  return line.find('\r') == std::string_view::npos ? otherwise : HeadError::bare_carriage_return;
}

}  // namespace

HeadError early_request_line_fault(std::string_view prefix, std::size_t target_limit) {
  if (prefix.empty()) return HeadError::none;
  if (prefix.front() == '\r' || prefix.front() == '\n') return HeadError::none;  // judged as a whole line
  if (!is_a(prefix.front(), character::token)) return HeadError::bad_method;     // a TLS hello, for one
  // Bounded, so that a line fed byte by byte is not searched anew from its start for every byte.
  const auto space = prefix.substr(0, longest_method + 1).find(' ');
  if (space == std::string_view::npos) {
    return prefix.size() > longest_method ? HeadError::bad_method : HeadError::none;
  }
  const auto rest = prefix.size() - space - 1;
  return rest > target_limit + after_target.size() ? HeadError::target_too_long : HeadError::none;
}

HeadError early_status_line_fault(std::string_view prefix) {
  constexpr std::string_view opening = "HTTP/";
  const auto seen = prefix.substr(0, opening.size());
  return seen.size() == opening.size() && seen != opening ? HeadError::bad_status_line : HeadError::none;
}

HeadError parse_request_line(std::string_view line, std::size_t target_limit, RequestHead& head) {
  // Exactly two single spaces: the lenient splitting on any white space that RFC 9112 3 permits is what lets
  // two parties see two targets.
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos) return blame_return_or(line, HeadError::bad_request_line);
  const auto method = line.substr(0, first);
  if (!is_token(method)) return blame_return_or(line, HeadError::bad_method);
  if (first == last) return blame_return_or(line, HeadError::bad_request_line);
  const auto target = line.substr(first + 1, last - first - 1);
  if (target.size() > target_limit) return HeadError::target_too_long;
  if (target.empty() || !all_are(target, character::visible))
    return blame_return_or(line, HeadError::bad_target);
  const auto fault = parse_version(line.substr(last + 1), head.version);
  if (fault != HeadError::none) return blame_return_or(line, fault);
  head.method = method;
  head.target = target;
  return HeadError::none;
}

HeadError parse_status_line(std::string_view line, ResponseHead& head) {
  if (line.size() <= version_size) return blame_return_or(line, HeadError::bad_status_line);
  const auto fault = parse_version(line.substr(0, version_size), head.version);
  if (fault == HeadError::unsupported_version) return fault;
  if (fault != HeadError::none) return blame_return_or(line, HeadError::bad_status_line);
  const auto rest = line.substr(version_size);
  const bool has_status = rest.size() >= 4 && rest[0] == ' ' && all_are(rest.substr(1, 3), character::digit);
  if (!has_status) return blame_return_or(line, HeadError::bad_status_line);
  // The space before an absent reason is missing in the wild.
  const auto reason = rest.size() > 4 ? rest.substr(5) : std::string_view{};
  const bool separated = rest.size() == 4 || rest[4] == ' ';
  if (!separated || !is_field_value(reason)) return blame_return_or(line, HeadError::bad_status_line);
  const int status = (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
  if (status < 100 || status > 599) return HeadError::bad_status_line;
  head.status = status;
  head.reason = reason;
  return HeadError::none;
}

}  // namespace tidegate::http
