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

// A zone has no meaning to anybody but the machine that named it, so an address with one is none.
bool parse_ip_v6(std::string_view text, in6_addr& address) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return false;
  if (text.find('\0') != std::string_view::npos) return false;  // would end it early
  std::copy(text.begin(), text.end(), terminated.begin());
  return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

// RFC 3986 lets a name be percent-encoded. No client does that, and whoever decodes it meets another host
// than the one that was looked at here.
bool is_valid_name(std::string_view name) {
  constexpr std::size_t longest_name = 255;
  // Some servers take off any number of final dots.
  const bool whole_labels = !name.starts_with('.') && name.find("..") == std::string_view::npos;
  return !name.empty() && name.size() <= longest_name && whole_labels && all_are(name, character::host);
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

constexpr bool is_dots(std::string_view segment) {
  return segment == "." || segment == "..";
}

// Some servers take a backslash for a slash.
bool has_dots_between_backslashes(std::string_view segment) {
  if (segment.find('\\') == std::string_view::npos) return false;
  while (!segment.empty()) {
    const auto end = std::min(segment.find('\\'), segment.size());
    if (is_dots(segment.substr(0, end))) return true;
    segment.remove_prefix(std::min(end + 1, segment.size()));
  }
  return false;
}

// A path that grows segment by segment; the one that is open begins at `begin_`.
class MatchedPath {
 public:
  // `out` holds the slash that every path begins with.
  explicit MatchedPath(std::string& out) : out_(out), begin_(out.size()) {}

  void push(char c) { out_.push_back(c); }

  // Ends the open segment; false if it has no certain meaning. `encoded`: by a slash that was encoded.
  bool end_segment(bool encoded, bool last = false) {
    const auto segment = std::string_view(out_).substr(begin_);
    if (segment.empty()) {
      after_empty_ = true;
      encoded_before_ = encoded_before_ || encoded;
      return true;
    }
    if (has_dots_between_backslashes(segment)) return false;
    if (!is_dots(segment)) {
      after_empty_ = false;
      if (!last) out_.push_back('/');
    } else if (encoded_before_ || encoded || !resolve(segment == "..")) {
      return false;
    }
    encoded_before_ = encoded;
    begin_ = out_.size();
    return true;
  }

 private:
  // RFC 3986 5.2.4; the slash before the segment stays. What `..` takes away behind an empty segment is this
  // one to some and the one before it to others.
  bool resolve(bool up) {
    out_.resize(begin_);
    if (!up) return true;
    if (after_empty_ || begin_ < 2) return false;
    out_.resize(out_.rfind('/', begin_ - 2) + 1);
    return true;
  }

  std::string& out_;
  std::size_t begin_;
  bool after_empty_ = false;     // empty segments were left out before the open one
  bool encoded_before_ = false;  // the slash before it was encoded
};

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
  in6_addr address{};
  return host.ends_with(']') && parse_ip_v6(host.substr(1, host.size() - 2), address);
}

HostPort split_authority(std::string_view authority) {
  const auto end = host_end(authority);
  HostPort split{.host = authority.substr(0, end)};
  if (end < authority.size() && !parse_port(authority.substr(end + 1), split.port)) split.port = 0;
  if (split.host.size() >= 2 && split.host.front() == '[')
    split.host = split.host.substr(1, split.host.size() - 2);
  return split;
}

void normalise_host(std::string_view host, std::string& out) {
  in6_addr address{};
  if (host.find(':') != std::string_view::npos && parse_ip_v6(host, address)) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    out.assign("[").append(inet_ntop(AF_INET6, &address, text.data(), text.size())).append("]");
    return;
  }
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  out.assign(host);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
}

bool normalise_path(std::string_view raw_path, std::string& out) {
  out.clear();
  if (raw_path == "*") {
    out = "*";
    return true;
  }
  const auto is_plain = [&](std::string_view special) {
    return raw_path.find(special) == std::string_view::npos;
  };
  if (is_plain("%") && is_plain("/.") && is_plain("//") && is_plain("\\")) {
    out = raw_path;
    return true;
  }
  out.push_back('/');
  MatchedPath path(out);
  for (std::size_t i = 1; i < raw_path.size(); ++i) {
    char c = raw_path[i];
    const bool encoded = c == '%';
    if (encoded) {
      if (!is_encoded(raw_path, i)) return false;
      c = decoded(raw_path, i);
      if (c == '\0') return false;
      i += 2;
    }
    if (c != '/') {
      path.push(c);
    } else if (!path.end_segment(encoded)) {
      return false;
    }
  }
  return path.end_segment(false, true);
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
