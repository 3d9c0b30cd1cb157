#include <algorithm>

#include "conf/addresses.hpp"
#include "conf/checks.hpp"
#include "conf/origin.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

std::string item(std::string_view field, std::size_t index) {
  return std::string(field) + "[" + std::to_string(index) + "]";
}

}  // namespace

void check_proxy_protocol(const ProxyProtocolIn& proxy_protocol, Findings findings) {
  const auto& from = proxy_protocol.from;
  if (from.empty()) {
    findings.add("from",
                 "is empty: name the networks of the balancers that send the header, or remove the key");
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto network = parse_peers(from[i]);
    if (!network) findings.add(item("from", i), network.error().why);
  }
}

void check_access(const AccessRules& rules, Findings findings) {
  // Whom no rule fits is let in.
  const bool keeps_out =
      std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return !rule.allow; });
  if (!rules.empty() && !keeps_out) {
    findings.add({},
                 "keeps nobody out, since whom no rule fits is let in: add `- deny: all` as the last rule");
    return;
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const bool last = i + 1 == rules.size();
    if (rules[i].network == "all") {
      // What is never reached is an order that was meant otherwise.
      if (!last) findings.add({}, "the rules after `all` are never reached: put `all` last");
      return;
    }
    const auto network = parse_peers(rules[i].network);
    if (!network) findings.add({}, network.error().why);
  }
}

void check_origins(const OriginPolicy& origins, Findings findings) {
  if (origins.allowed.empty()) {
    findings.add({}, "is empty, which would refuse every page: name the origins, or remove the key");
  }
  for (const auto& allowed : origins.allowed) {
    if (allowed == "self" || allowed == "null") continue;
    if (allowed == "*") {
      findings.add({}, "leave `origins` out to let any page open WebSockets");
    } else if (!split_origin_pattern(allowed)) {
      findings.add({}, quote(allowed) +
                           " is no origin: write a scheme and a host such as `https://app.example.com`, with "
                           "nothing behind them, or `*.example.com`");
    }
  }
}

void check_basic_auth(const BasicAuth& basic_auth, Findings findings) {
  if (basic_auth.file.empty()) findings.add("file", "is empty: name the file that htpasswd has written");
  if (basic_auth.realm.empty() || !is_field_value(basic_auth.realm))
    findings.add("realm", "expected a text without line breaks, found " + quote(basic_auth.realm));
}

}  // namespace tidegate::conf
