#include "gateway/exchange/origin_check.hpp"

#include <algorithm>

#include "conf/origin.hpp"

namespace tidegate::gateway {
namespace {

// The page comes from the host that is asked for now.
bool is_own(const conf::Origin& origin, std::string_view authority) {
  auto own = authority.starts_with('*') ? std::nullopt : conf::split_origin_pattern(authority);
  if (!own || !own->scheme.empty()) return false;
  if (own->port == conf::Origin::any_port) own->port = conf::default_port(origin.scheme);
  return conf::matches(*own, origin);
}

constexpr std::size_t longest_told = 200;

}  // namespace

bool allows_origin(const conf::OriginPolicy& policy, const http::Fields& fields, std::string_view authority) {
  const auto count = fields.count("origin");
  if (count == 0) return !policy.required;
  if (count > 1) return false;
  const auto text = *fields.find("origin");
  const auto origin = conf::split_origin(text);
  return std::any_of(policy.allowed.begin(), policy.allowed.end(), [&](const std::string& allowed) {
    if (allowed == "null") return text == "null";
    if (!origin) return false;
    if (allowed == "self") return is_own(*origin, authority);
    const auto pattern = conf::split_origin_pattern(allowed);
    return pattern && conf::matches(*pattern, *origin);
  });
}

std::string origin_story(const http::Fields& fields) {
  const auto count = fields.count("origin");
  if (count == 0) return "`origins` wants an Origin, and none came";
  if (count > 1) return "more than one Origin came";
  const auto text = *fields.find("origin");
  std::string story = "pages of the origin ";
  story.append(text.substr(0, longest_told)).append(text.size() > longest_told ? "..." : "");
  return story.append(" may not open WebSockets here: `origins` of the route does not name it");
}

}  // namespace tidegate::gateway
