#include "gateway/exchange/client_identity.hpp"

#include <optional>

#include "wire/http/characters.hpp"
#include "wire/http/target.hpp"

namespace tidegate::gateway {
namespace {

// `10.0.0.1:443` and `[::1]:443` without port and brackets; a bare IPv6 address stays.
std::string_view without_port(std::string_view member) {
  if (member.starts_with('[')) {
    const auto end = member.find(']');
    const bool closed = end != std::string_view::npos && (end + 1 == member.size() || member[end + 1] == ':');
    return closed ? member.substr(1, end - 1) : std::string_view();
  }
  const auto colon = member.find(':');
  const bool one_colon =
      colon != std::string_view::npos && member.find(':', colon + 1) == std::string_view::npos;
  return one_colon ? member.substr(0, colon) : member;
}

// === Forwarded ===

// The quote at `at` is itself quoted: an odd number of backslashes stands before it (RFC 9110 5.6.4).
bool is_escaped(std::string_view text, std::size_t at) {
  std::size_t backslashes = 0;
  while (backslashes < at && text[at - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

// Cuts what stands behind the last `separator` outside of quotes, as seen from the end, off `text`.
std::string_view take_last(std::string_view& text, char separator) {
  bool quoted = false;
  for (auto at = text.size(); at-- > 0;) {
    if (text[at] == '"' && !is_escaped(text, at)) quoted = !quoted;
    if (text[at] != separator || quoted) continue;
    const auto last = text.substr(at + 1);
    text = text.substr(0, at);
    return last;
  }
  const auto last = text;
  text = {};
  return last;
}

// A token or a quoted string, without its quotes; nullopt for anything else. A value that needs escapes is
// neither an address nor a scheme nor a host.
std::optional<std::string_view> value_of(std::string_view text) {
  if (!text.starts_with('"')) return http::is_token(text) ? std::optional(text) : std::nullopt;
  if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
  const auto inner = text.substr(1, text.size() - 2);
  return inner.find_first_of("\"\\") == std::string_view::npos ? std::optional(inner) : std::nullopt;
}

// Each parameter at most once, and no white space around its `=` (RFC 7239 4). False if the element is not
// what the RFC says, or names no address.
bool read_element(std::string_view element, ForwardedClient& out) {
  while (!element.empty()) {
    const auto pair = http::trim(take_last(element, ';'));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) return false;
    const auto name = pair.substr(0, equals);
    const auto text = pair.substr(equals + 1);
    if (!http::is_token(name) || http::trim(text).size() != text.size()) return false;
    const auto value = value_of(text);
    std::string_view* const place = http::equals_ignoring_case(name, "for")     ? &out.address
                                    : http::equals_ignoring_case(name, "proto") ? &out.proto
                                    : http::equals_ignoring_case(name, "host")  ? &out.host
                                                                                : nullptr;
    if (place == nullptr) continue;
    if (!value || value->empty() || !place->empty()) return false;
    *place = *value;
  }
  // Pods make links and cookies of it: what no Host might say is not repeated.
  if (!http::is_valid_authority(out.host)) out.host = {};
  out.address = without_port(out.address);
  return Networks::is_address(out.address);
}

}  // namespace

std::string_view client_address(const http::Fields& fields, std::string_view peer, const Networks& trusted) {
  auto client = peer;
  auto field = fields.end();
  while (field != fields.begin()) {
    --field;
    if (!http::equals_ignoring_case(field->name, "x-forwarded-for")) continue;
    auto list = field->value;
    while (!list.empty()) {
      if (!trusted.contains(client)) return client;
      const auto comma = list.rfind(',');
      const auto begin = comma == std::string_view::npos ? 0 : comma + 1;
      const auto member = without_port(http::trim(list.substr(begin)));
      if (!Networks::is_address(member)) return client;
      client = member;
      list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
    }
  }
  return client;
}

ForwardedClient forwarded_client(const http::Fields& fields, std::string_view peer, const Networks& trusted) {
  ForwardedClient client{peer, {}, {}};
  auto field = fields.end();
  while (field != fields.begin()) {
    --field;
    if (!http::equals_ignoring_case(field->name, "forwarded")) continue;
    auto list = field->value;
    while (!list.empty()) {
      if (!trusted.contains(client.address)) return client;
      const auto element = http::trim(take_last(list, ','));
      if (element.empty()) continue;  // RFC 9110 5.6.1.2
      ForwardedClient said;
      if (!read_element(element, said)) return client;
      client = said;
    }
  }
  return client;
}

}  // namespace tidegate::gateway
