#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "conf/checks.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

// Names appear in logs, metrics and paths of messages.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

bool is_printable(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
}

constexpr std::size_t longest_close_reason = 123;  // RFC 6455 5.5.1

// Codes that may stand in a Close frame (RFC 6455 7.4): 1004, 1005, 1006 and 1015 never do, and 1010 is the
// client's alone, but a server that sends it does no harm.
bool is_sendable(std::uint16_t code) {
  const bool registered = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
  return registered || (code >= 3000 && code <= 4999);
}

void check_balance(const BalancePolicy& balance, Findings& findings) {
  const bool named = balance.hash_key == HashKey::header || balance.hash_key == HashKey::cookie;
  if (balance.kind == Balance::hash && named && !is_token(balance.hash_name)) {
    const bool header = balance.hash_key == HashKey::header;
    findings.add(header ? "balance.hash.header" : "balance.hash.cookie",
                 quote(balance.hash_name) + " is not the name of a " + (header ? "header field" : "cookie"));
  }
  if (balance.kind == Balance::sticky && !is_token(balance.sticky_cookie)) {
    findings.add(
        "balance.sticky.cookie",
        quote(balance.sticky_cookie) + " is not the name of a cookie: letters, digits, `-` and `_` are safe");
  }
}

void check_deadlines(const UpstreamTimeouts& timeouts, Findings& findings) {
  findings.check_positive("timeouts.connect", timeouts.connect);
  findings.check_positive("timeouts.responseHeader", timeouts.response_header);
  findings.check_positive("timeouts.responseIdle", timeouts.response_idle);
  findings.check_positive("timeouts.writeStall", timeouts.write_stall);
  findings.check_positive("timeouts.poolIdle", timeouts.pool_idle);
  findings.check_positive("timeouts.websocketIdle", timeouts.websocket_idle);
  findings.check_positive("timeouts.fin", timeouts.fin);
  const Duration lifetime = timeouts.websocket_lifetime;
  if (lifetime.count() < 0) findings.add("timeouts.websocketLifetime", "must not be negative");
}

void check_hold_and_retry(const Upstream& upstream, Findings& findings) {
  const auto& hold = upstream.hold;
  if (hold.enabled) {
    findings.check_positive("hold.maxWait", hold.max_wait);
    if (hold.max_waiting < 1)
      findings.add("hold.maxWaiting", "must be at least 1; write `hold: off` for none");
    if (hold.release_per_second < 1) findings.add("hold.releasePerSecond", "must be at least 1");
  }
  const auto& retry = upstream.retry;
  if (!retry.enabled) return;
  findings.check_positive("retry.total", retry.total);
  findings.check_positive("retry.backOff", retry.back_off);
  if (retry.back_off >= retry.total && retry.total.count() > 0) {
    findings.add("retry.backOff", "a wait of " + duration_text(retry.back_off) +
                                      " leaves no time for a second try within `total` (" +
                                      duration_text(retry.total) + ")");
  }
  if (retry.tries < 0) findings.add("retry.tries", "must not be negative");
  if (retry.budget_percent < 0 || retry.budget_percent > 100) {
    findings.add("retry.budgetPercent", "must be from 0 to 100");
  }
  if (retry.budget_minimum < 0) findings.add("retry.budgetMinimum", "must not be negative");
}

void check_drain(const Upstream& upstream, Findings& findings) {
  const auto& drain = upstream.drain;
  findings.check_positive("drain.window", drain.window);
  if (drain.deadline < drain.window)
    findings.add("drain.deadline", "must not be shorter than the window: what is left then ends at once");
  static constexpr std::array<std::pair<CloseCause, std::string_view>, 6> causes{
      {{CloseCause::draining, "closes.draining"},
       {CloseCause::lost, "closes.lost"},
       {CloseCause::removed, "closes.removed"},
       {CloseCause::shutdown, "closes.shutdown"},
       {CloseCause::rebalance, "closes.rebalance"},
       {CloseCause::overflow, "closes.overflow"}}};
  for (const auto& [cause, field] : causes) {
    const auto& words = upstream.closes.of(cause);
    if (!is_sendable(words.code)) {
      findings.add(field, "`" + std::to_string(words.code) +
                              "` may not stand in a Close frame (RFC 6455 7.4): 1000 to 1014 without 1004, "
                              "1005 and 1006, or 3000 to 4999");
    }
    if (words.reason.size() > longest_close_reason)
      findings.add(field, "the reason " + quote(words.reason) + " is longer than " +
                              std::to_string(longest_close_reason) + " bytes");
  }
}

// A client that comes back to where it was would be closed for ever.
void check_rebalance(const Upstream& upstream, Findings& findings) {
  const auto kind = upstream.balance.kind;
  if (!upstream.rebalance.enabled) return;
  if (kind == Balance::hash || kind == Balance::sticky)
    findings.add("rebalance",
                 "cannot act beside this `balance`: clients would come back to the same endpoint");
  if (upstream.virtual_address)
    findings.add("rebalance", "cannot act with `virtual`: which pod has how many sockets is not known");
}

// A Service's address is one that is written: of pods that are found singly none stands for many.
void check_discovery(const Upstream& upstream, Findings& findings) {
  const bool pods = !std::holds_alternative<std::monostate>(upstream.discovery) &&
                    !std::holds_alternative<DnsSource>(upstream.discovery);
  if (upstream.virtual_address && pods)
    findings.add("virtual", "cannot stand beside `kubernetes` or `file`, which name single pods: remove it");
}

void check_upstream(const Upstream& upstream, ConfigErrors& errors) {
  Findings findings(errors, upstream.place, "upstreams." + upstream.name);
  if (!is_name(upstream.name)) {
    findings.add({}, "a name has letters, digits, `-`, `_` and `.`, at most 64 of them, found " +
                         quote(upstream.name));
  }
  const bool discovered = !std::holds_alternative<std::monostate>(upstream.discovery);
  if (upstream.endpoints.empty() && !discovered) {
    findings.add("endpoints", "there is no endpoint: write at least one, such as `- 10.0.0.1:6001`");
  }
  check_endpoints(upstream.endpoints, errors, findings.path());
  check_source_addresses(upstream, findings);
  check_discovery(upstream, findings);
  check_balance(upstream.balance, findings);
  check_probes(upstream, findings);
  if (upstream.max_connections < 0) findings.add("maxConnections", "must not be negative; 0 is unlimited");
  if (upstream.slow_start.count() < 0) findings.add("slowStart", "must not be negative");
  check_deadlines(upstream.timeouts, findings);
  check_keepalive(upstream.keepalive, findings.below("tcpKeepalive"));
  check_hold_and_retry(upstream, findings);
  check_drain(upstream, findings);
  check_rebalance(upstream, findings);
}

}  // namespace

void check_endpoints(const std::vector<Endpoint>& endpoints, ConfigErrors& errors, const std::string& path) {
  const std::string list = path.empty() ? "endpoints" : path + ".endpoints";
  std::unordered_map<std::string, std::size_t> addresses;
  std::unordered_map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Endpoint& endpoint = endpoints[i];
    Findings findings(errors, endpoint.place, list + "[" + std::to_string(i) + "]");
    if (endpoint.weight < 1 || endpoint.weight > 1000) {
      findings.add("weight", "must be from 1 to 1000, found `" + std::to_string(endpoint.weight) +
                                 "`; to take the endpoint out, remove it");
    }
    if (endpoint.address == Address{}) continue;
    const auto [address, fresh_address] = addresses.emplace(endpoint.address.text(), i);
    if (!fresh_address) {
      findings.add({}, quote(address->first) + " is endpoints[" + std::to_string(address->second) +
                           "] already: remove one, and give the other a `weight` if it should get more");
      continue;
    }
    if (endpoint.name.empty()) continue;
    if (!is_printable(endpoint.name)) findings.add("name", "a name has no spaces and at most 256 characters");
    const auto [name, fresh_name] = names.emplace(endpoint.name, i);
    if (!fresh_name) {
      findings.add("name", quote(endpoint.name) + " is the name of endpoints[" +
                               std::to_string(name->second) + "] already");
    }
  }
}

void check_upstreams(const Config& config, ConfigErrors& errors) {
  std::unordered_set<std::string_view> names;
  for (const auto& upstream : config.upstreams) {
    if (!names.insert(upstream.name).second) {
      errors.push_back({upstream.place, "upstreams." + upstream.name, "this name is given to two upstreams"});
    }
    check_upstream(upstream, errors);
  }
}

}  // namespace tidegate::conf
