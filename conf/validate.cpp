#include "conf/validate.hpp"

#include <algorithm>
#include <unordered_map>

#include "conf/addresses.hpp"
#include "conf/checks.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

constexpr std::size_t most_listeners = 256;

// The other half of a `:80` stands behind the written listeners and shares its place with the one it was
// written as.
std::size_t written_index(const std::vector<Listener>& listeners, std::size_t index) {
  if (!listeners[index].optional_family) return index;
  const Place& place = listeners[index].place;
  const auto written = std::find_if(listeners.begin(), listeners.end(), [&place](const Listener& listener) {
    return listener.place.line == place.line && listener.place.column == place.column;
  });
  return static_cast<std::size_t>(written - listeners.begin());
}

void check_listener(const Listener& listener, Findings& findings) {
  const auto& limits = listener.limits;
  if (limits.target_bytes >= limits.head_bytes) {
    findings.add("requestLimits.target", "the target (" + size_text(limits.target_bytes) +
                                             ") is a part of the head and must be smaller than `head` (" +
                                             size_text(limits.head_bytes) + ")");
  }
  const auto& timeouts = listener.timeouts;
  findings.check_positive("timeouts.requestHeader", timeouts.request_header);
  findings.check_positive("timeouts.requestBody", timeouts.request_body);
  findings.check_positive("timeouts.clientKeepalive", timeouts.client_keepalive);
  findings.check_positive("timeouts.writeStall", timeouts.write_stall);
  findings.check_positive("minBodyRate.window", listener.body_pace.window);
  check_keepalive(listener.keepalive, findings.below("tcpKeepalive"));
  findings.check_positive("timeouts.tlsHandshake", timeouts.tls_handshake);
  if (listener.tls) check_server_tls(*listener.tls, findings.below("tls"));
  findings.check_positive("timeouts.proxyProtocol", timeouts.proxy_header);
  if (listener.proxy_protocol)
    check_proxy_protocol(*listener.proxy_protocol, findings.below("proxyProtocol"));
  check_access(listener.access, findings.below("access"));
}

// With those before it.
void check_overlap(const std::vector<Listener>& listeners, std::size_t index, Findings& findings) {
  const auto& address = listeners[index].address;
  for (std::size_t i = 0; i < index; ++i) {
    if (!overlaps(listeners[i].address, address)) continue;
    findings.add("address", quote(address.text()) + " and " + quote(listeners[i].address.text()) +
                                " of listeners[" + std::to_string(written_index(listeners, i)) +
                                "] overlap, since one of them is every address: remove one of the two");
  }
}

bool is_empty(const Address& address) {
  return address == Address{};
}

// Port 0 is another port each time.
bool is_fixed(const Address& address) {
  return !is_empty(address) && (address.is_unix() || address.port != 0);
}

}  // namespace

void Findings::add(std::string_view field, std::string message) {
  std::string path = path_;
  if (!path.empty() && !field.empty() && field.front() != '[') path += '.';
  path += field;
  errors_.push_back({place_, std::move(path), std::move(message)});
}

void Findings::check_positive(std::string_view field, Duration value) {
  if (value.count() <= 0) add(field, "must be longer than 0");
}

Findings Findings::below(std::string_view field) const {
  const bool dot = !path_.empty() && field.front() != '[';
  return {errors_, place_, path_ + (dot ? "." : "") + std::string(field)};
}

void check_keepalive(const TcpKeepalive& keepalive, Findings findings) {
  const auto check_time = [&findings](std::string_view field, Duration value) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(value);
    if (seconds != value || seconds.count() < 1 || seconds.count() > 32'767) {
      findings.add(field, "must be whole seconds, from 1s to 32767s, as the kernel counts them; found `" +
                              duration_text(value) + "`");
    }
  };
  check_time("idle", keepalive.idle);
  check_time("interval", keepalive.interval);
  if (keepalive.probes < 1 || keepalive.probes > 127) findings.add("probes", "must be from 1 to 127");
}

void check_listeners(const Config& config, ConfigErrors& errors) {
  const auto& listeners = config.listeners;
  if (listeners.empty()) {
    errors.push_back({{}, "listeners", "there is no listener: write at least one, such as `- 0.0.0.0:80`"});
  }
  if (listeners.size() > most_listeners) {
    errors.push_back(
        {{}, "listeners", "there are more than " + std::to_string(most_listeners) + " listeners"});
    return;
  }
  std::unordered_map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const Listener& listener = listeners[i];
    const std::size_t written = written_index(listeners, i);
    Findings findings(errors, listener.place, "listeners[" + std::to_string(written) + "]");
    if (!listener.optional_family) check_listener(listener, findings);
    if (!is_fixed(listener.address)) continue;
    const auto [known, fresh] = first.emplace(listener.address.text(), written);
    if (!fresh) {
      findings.add("address", quote(known->first) + " is listened on already by listeners[" +
                                  std::to_string(known->second) + "]: remove one of the two");
      continue;
    }
    check_overlap(listeners, i, findings);
  }
}

void check_process(const Config& config, ConfigErrors& errors) {
  Findings findings(errors, {}, {});
  const auto& admin = config.admin;
  if (admin.enabled && is_fixed(admin.address)) {
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
      const auto& address = config.listeners[i].address;
      const bool equal = address == admin.address;
      // Its socket is not kept to IPv6, unlike those of listeners.
      const bool both =
          !address.is_unix() && address.port == admin.address.port && is_any_ipv6(admin.address);
      if (!equal && !both && !overlaps(address, admin.address)) continue;
      findings.add("admin.address", quote(admin.address.text()) +
                                        (equal ? " is also listeners[" : " overlaps listeners[") +
                                        std::to_string(written_index(config.listeners, i)) + "]" +
                                        (equal ? "" : ", " + quote(address.text())) +
                                        ": give the admin listener an address of its own");
      break;
    }
  }
  if (config.access_log.enabled && config.access_log.path.empty()) {
    findings.add("log.access.path", "is empty: write `stdout`, `stderr`, a file, or `access: off`");
  }
  if (config.error_log.path.empty()) findings.add("log.error.path", "is empty: write `stderr` or a file");
  findings.check_positive("shutdown.deadline", config.shutdown.deadline);
  if (config.resolver.max_ttl < config.resolver.min_ttl)
    findings.add("resolver.maxTtl", "must not be shorter than `minTtl`");
  for (std::size_t i = 0; i < config.trusted_proxies.size(); ++i) {
    const auto network = parse_peers(config.trusted_proxies[i]);
    if (!network) findings.add("trustedProxies[" + std::to_string(i) + "]", network.error().why);
  }
}

ConfigErrors validate(const Config& config) {
  ConfigErrors errors;
  check_listeners(config, errors);
  check_routes(config, errors);
  check_upstreams(config, errors);
  check_process(config, errors);
  check_limits(config, errors);
  return errors;
}

}  // namespace tidegate::conf
