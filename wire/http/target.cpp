#include "wire/http/target.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>

#include "wire/http/characters.hpp"

namespace tidegate::http {

namespace {

using boost::system::result;

bool is_encoded(std::string_view text, std::size_t at) {
  return at + 2 < text.size() && is_a(text[at + 1], character::hex_digit) &&
         is_a(text[at + 2], character::hex_digit);
}

char decoded(std::string_view text, std::size_t at) {
  return static_cast<char>(hex_value(text[at + 1]) << 4 | hex_value(text[at + 2]));
}

// Visible bytes only, each '%' followed by two digits, no NUL when decoded.
bool is_valid_path(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!is_a(path[i], character::visible)) return false;
    if (path[i] == '%' && (!is_encoded(path, i) || decoded(path, i) == '\0')) return false;
  }
  return true;
}

// `text` begins with the path, or with '?' where an absolute-form has none.
result<void, TargetError> split_path(std::string_view text, Target& target) {
  const auto question = text.find('?');
  target.path = text.substr(0, question);
  if (question != std::string_view::npos) {
    target.has_query = true;
    target.query = text.substr(question + 1);
  }
  // Percent signs in the query are left alone: they are the application's, and bare ones are common.
  const bool valid = is_valid_path(target.path) && all_are(target.query, character::visible);
  if (!valid) return TargetError::bad_path;
  if (target.path.empty()) target.path = "/";
  return {};
}

result<Target, TargetError> parse_absolute(std::string_view text, std::size_t scheme_end) {
  Target target{.form = TargetForm::absolute};
  target.scheme = text.substr(0, scheme_end);
  bool known = false;
  for (const std::string_view scheme : {"http", "https", "ws", "wss"}) {
    known = known || equals_ignoring_case(target.scheme, scheme);
  }
  if (!known) return TargetError::bad_form;
  const auto rest = text.substr(scheme_end + 3);
  const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
  target.authority = rest.substr(0, authority_end);
  if (!is_valid_authority(target.authority)) return TargetError::bad_authority;
  const auto outcome = split_path(rest.substr(authority_end), target);
  if (outcome.has_error()) return outcome.error();
  return target;
}

bool is_valid_ip_v6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return false;
  if (text.find('\0') != std::string_view::npos) return false;  // would end it early
  std::copy(text.begin(), text.end(), terminated.begin());
  in6_addr address{};
  return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

bool is_valid_name(std::string_view name) {
  constexpr std::size_t longest_name = 255;
  if (name.empty() || name.size() > longest_name) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '%' && is_encoded(name, i) && decoded(name, i) != '\0') continue;
    if (!is_a(name[i], character::host)) return false;
  }
  return true;
}

// *DIGIT, up to 65535; an empty port is the default one.
bool parse_port(std::string_view digits, std::uint16_t& port) {
  unsigned value = 0;
  for (const char c : digits) {
    if (!is_a(c, character::digit)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  port = static_cast<std::uint16_t>(value);
  return true;
}

// Where the host ends: before the ':' of the port, or after the bracket.
std::size_t host_end(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    return bracket == std::string_view::npos ? authority.size() : bracket + 1;
  }
  return std::min(authority.find(':'), authority.size());
}

enum class SegmentEnd { kept, removed, above_root };

// Ends the segment of `out` that begins at `begin`: "." and ".." are resolved (RFC 3986 5.2.4).
SegmentEnd end_segment(std::string& out, std::size_t begin) {
  const auto segment = std::string_view(out).substr(begin);
  if (segment == ".") {
    out.resize(begin);
    return SegmentEnd::removed;
  }
  if (segment != "..") return SegmentEnd::kept;
  if (begin < 2) return SegmentEnd::above_root;
  out.resize(out.rfind('/', begin - 2) + 1);
  return SegmentEnd::removed;
}

}  // namespace

result<Target, TargetError> parse_target(std::string_view method, std::string_view target) {
  if (method == "CONNECT") return TargetError::connect_refused;
  if (target.empty() || target.find('#') != std::string_view::npos) return TargetError::bad_form;
  if (target.front() == '/') {
    Target parsed;
    const auto outcome = split_path(target, parsed);
    if (outcome.has_error()) return outcome.error();
    return parsed;
  }
  if (target == "*") {
    if (method != "OPTIONS") return TargetError::asterisk_not_options;
    return Target{.form = TargetForm::asterisk, .path = target};
  }
  const auto scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return TargetError::bad_form;
  return parse_absolute(target, scheme_end);
}

bool is_valid_authority(std::string_view authority) {
  const auto end = host_end(authority);
  const auto host = authority.substr(0, end);
  const auto rest = authority.substr(end);
  std::uint16_t port = 0;
  if (!rest.empty() && (rest.front() != ':' || !parse_port(rest.substr(1), port))) return false;
  if (!host.starts_with('[')) return is_valid_name(host);
  return host.ends_with(']') && is_valid_ip_v6(host.substr(1, host.size() - 2));
}

HostPort split_authority(std::string_view authority) {
  const auto end = host_end(authority);
  HostPort split{.host = authority.substr(0, end)};
  if (end < authority.size() && !parse_port(authority.substr(end + 1), split.port)) split.port = 0;
  if (split.host.size() >= 2 && split.host.front() == '[')
    split.host = split.host.substr(1, split.host.size() - 2);
  return split;
}

bool normalise_path(std::string_view raw_path, std::string& out) {
  out.clear();
  if (raw_path == "*") {
    out = "*";
    return true;
  }
  if (raw_path.find('%') == std::string_view::npos && raw_path.find("/.") == std::string_view::npos) {
    out = raw_path;
    return true;
  }
  std::size_t segment = 0;
  for (std::size_t i = 0; i < raw_path.size(); ++i) {
    char c = raw_path[i];
    if (c == '/') {
      const auto end = end_segment(out, segment);
      if (end == SegmentEnd::above_root) return false;
      // A removed segment leaves the slash before it, which stands for this one too.
      if (end == SegmentEnd::kept) out.push_back('/');
      segment = out.size();
      continue;
    }
    if (c == '%') {
      if (!is_encoded(raw_path, i)) return false;
      c = decoded(raw_path, i);
      if (c == '\0') return false;
      i += 2;
      if (c == '/') {
        out += "%2F";
        continue;
      }
    }
    out.push_back(c);
  }
  return end_segment(out, segment) != SegmentEnd::above_root;
}

// === words and statuses ===

int status_of(TargetError error) {
  return error == TargetError::connect_refused ? 405 : 400;
}

std::string_view describe(TargetError error) {
  switch (error) {
    case TargetError::bad_form: return "request target in none of the four forms";
    case TargetError::connect_refused: return "CONNECT is not offered";
    case TargetError::asterisk_not_options: return "the target `*` belongs to OPTIONS alone";
    case TargetError::bad_authority: return "invalid authority in the request target";
    case TargetError::bad_path: return "invalid path in the request target";
  }
  return "unknown error";
}

}  // namespace tidegate::http
