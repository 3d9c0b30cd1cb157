#include "gateway/process/idle_keys.hpp"

#include <algorithm>
#include <string>

#include "conf/units.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::uint16_t https_port = 443;

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_named(const conf::Config& config, const std::string& limit) {
  const auto names_it = [&limit](const auto& one) { return has(one.limit_names, limit); };
  return std::any_of(config.listeners.begin(), config.listeners.end(), names_it) ||
         std::any_of(config.routes.begin(), config.routes.end(), names_it);
}

bool asks_clients(const conf::ServerTls& tls) {
  const auto asks = [](const conf::ClientCertificatePolicy& policy) {
    return policy.mode != conf::ClientCertificates::off;
  };
  return asks(tls.clients) ||
         std::any_of(tls.hosts.begin(), tls.hosts.end(), [&](const auto& host) { return asks(host.policy); });
}

// Which port a redirect leads to is not configured: browsers take https for 443. Empty if a listener is
// there, or none has TLS at all, so that another machine must be meant.
std::string other_tls_port(const conf::Config& config) {
  std::string other;
  for (const auto& listener : config.listeners) {
    if (!listener.tls || listener.address.is_unix()) continue;
    if (listener.address.port == https_port) return {};
    if (listener.address.port != 0 && other.empty()) other = std::to_string(listener.address.port);
  }
  return other;
}

}  // namespace

conf::ConfigErrors idle_keys(const conf::Config& config) {
  conf::ConfigErrors found;
  for (const auto& limit : config.limits) {
    if (is_named(config, limit.name)) continue;
    found.push_back({limit.place, "limits." + limit.name,
                     "limits nobody: name it in `limits` of a listener or of a route, or remove it"});
  }
  const auto other_port = other_tls_port(config);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    if (listener.optional_family) continue;  // the same was said of its other half
    const auto path = "listeners[" + std::to_string(i) + "].tls.";
    if (listener.tls && listener.tls->forward_client_certificate && !asks_clients(*listener.tls)) {
      const auto key = path + "forwardClientCertificate";
      found.push_back({config.place_of(key, listener.place), key,
                       "there is never one to forward: ask clients for theirs in `clientCertificates`, or "
                       "remove the key"});
    }
    if (listener.redirect_to_tls && !other_port.empty()) {
      const auto key = path + "redirect";
      found.push_back({config.place_of(key, listener.place), key,
                       "sends clients to port 443, where no listener is; the one at port " + other_port +
                           " is reached only if something in front maps 443 to it"});
    }
  }
  return found;
}

}  // namespace tidegate::gateway
