#include "conf/origin.hpp"

#include <algorithm>
#include <charconv>

namespace tidegate::conf {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_letter_or_digit(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

// RFC 3986 3.1.
bool is_scheme(std::string_view text) {
  const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; };
  return !text.empty() && lower(text.front()) >= 'a' && lower(text.front()) <= 'z' &&
         std::all_of(text.begin(), text.end(), allowed);
}

bool is_host(std::string_view text) {
  if (text.starts_with('[')) {
    const auto allowed = [](char c) { return is_letter_or_digit(c) || c == ':' || c == '.'; };
    return text.size() > 3 && text.ends_with(']') && std::all_of(text.begin() + 1, text.end() - 1, allowed);
  }
  const auto allowed = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; };
  return !text.empty() && text.front() != '.' && std::all_of(text.begin(), text.end(), allowed);
}

// Cuts `:8443` off the end of `authority`; false if what stands there is no port.
bool take_port(std::string_view& authority, int& port) {
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) return true;
  const auto digits = authority.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || fault != std::errc() || end != digits.data() + digits.size()) return false;
  port = number;
  authority = authority.substr(0, colon);
  return true;
}

// Splits `text`, whose host `is_good` judges.
template <class IsGood>
std::optional<Origin> split(std::string_view text, IsGood&& is_good) {
  Origin origin;
  if (const auto mark = text.find("://"); mark != std::string_view::npos) {
    origin.scheme = text.substr(0, mark);
    if (!is_scheme(origin.scheme)) return std::nullopt;
    origin.port = default_port(origin.scheme);
    text.remove_prefix(mark + 3);
  }
  if (!take_port(text, origin.port) || !is_good(text)) return std::nullopt;
  origin.host = text;
  return origin;
}

}  // namespace

int default_port(std::string_view scheme) {
  if (equal(scheme, "https")) return 443;
  return equal(scheme, "http") ? 80 : 0;
}

std::optional<Origin> split_origin(std::string_view text) {
  auto origin = split(text, is_host);
  if (origin && origin->scheme.empty()) return std::nullopt;
  return origin;
}

std::optional<Origin> split_origin_pattern(std::string_view text) {
  return split(text, [](std::string_view host) {
    if (host.starts_with("*.")) host.remove_prefix(2);
    return is_host(host);
  });
}

bool matches(const Origin& pattern, const Origin& origin) {
  const bool web = equal(origin.scheme, "https") || equal(origin.scheme, "http");
  if (pattern.scheme.empty() ? !web : !equal(pattern.scheme, origin.scheme)) return false;
  if (pattern.port != Origin::any_port && pattern.port != origin.port) return false;
  if (!pattern.host.starts_with("*.")) return equal(pattern.host, origin.host);
  const auto suffix = pattern.host.substr(1);
  return origin.host.size() > suffix.size() &&
         equal(origin.host.substr(origin.host.size() - suffix.size()), suffix);
}

}  // namespace tidegate::conf
