#include "wire/http/hop_by_hop.hpp"

#include <algorithm>

namespace tidegate::http {

namespace {

bool always_ends(std::string_view name) {
  const auto is = [name](std::string_view other) { return equals_ignoring_case(name, other); };
  switch (name.size()) {  // the length rules out nearly every field at once
    case 2: return is("te");
    case 7: return is("upgrade") || is("trailer");
    case 10: return is("connection") || is("keep-alive");
    case 14: return is("http2-settings");
    case 16: return is("proxy-connection");
    case 17: return is("transfer-encoding");
    case 18: return is("proxy-authenticate");
    case 19: return is("proxy-authorization");
    default: return false;
  }
}

// What a client must not be able to take away from the next hop by naming it in `Connection`.
bool is_protected(std::string_view name) {
  for (const std::string_view other :
       {"host", "content-length", "x-real-ip", "forwarded", "via", "cookie", "set-cookie", "authorization",
        "origin", "content-type", "content-encoding", "expect"}) {
    if (equals_ignoring_case(name, other)) return true;
  }
  const auto begins_with = [name](std::string_view prefix) {
    return equals_ignoring_case(name.substr(0, prefix.size()), prefix);
  };
  return begins_with("x-forwarded-") || begins_with("sec-websocket-");
}

// Options that are not the name of a field.
bool is_plain_option(std::string_view option) {
  return equals_ignoring_case(option, "close") || equals_ignoring_case(option, "keep-alive") ||
         equals_ignoring_case(option, "upgrade");
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): a kilobyte that hardly any head needs
HopByHop::HopByHop(const Fields& fields) {
  for (const auto& field : fields) {
    if (!equals_ignoring_case(field.name, "connection")) continue;
    for_each_member(field.value, [this](std::string_view option) {
      if (size_ == nominated_.size()) return false;
      if (!is_plain_option(option) && !is_protected(option)) nominated_[size_++] = option;
      return true;
    });
  }
}

bool HopByHop::ends_here(std::string_view name) const {
  if (always_ends(name)) return true;
  return std::any_of(nominated_.begin(), nominated_.begin() + size_,
                     [name](std::string_view option) { return equals_ignoring_case(name, option); });
}

bool accepts_trailers(const Fields& fields) {
  return fields.has_token("te", "trailers");
}

}  // namespace tidegate::http
