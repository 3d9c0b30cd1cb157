#include "gateway/exchange/client_identity.hpp"

#include <algorithm>

namespace tidegate::gateway {
namespace {

// `10.0.0.1:443` and `[::1]:443` without port and brackets; a bare IPv6 address stays.
std::string_view without_port(std::string_view member) {
  if (member.starts_with('[')) return member.substr(1, member.find(']') - 1);
  const auto colon = member.find(':');
  const bool one_colon =
      colon != std::string_view::npos && member.find(':', colon + 1) == std::string_view::npos;
  return one_colon ? member.substr(0, colon) : member;
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

}  // namespace tidegate::gateway
