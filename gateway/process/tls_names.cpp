#include "gateway/process/tls_names.hpp"

#include <algorithm>
#include <string_view>

#include "conf/units.hpp"
#include "gateway/process/networks.hpp"
#include "gateway/process/router.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::size_t kMostNames = 5;  // of those that a warning spells out

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i)
    out += (i > 0 ? ", " : "") + conf::quote(names[i]);
  if (names.size() > kMostNames) out += " and " + std::to_string(names.size() - kMostNames) + " more";
  return out.empty() ? "no name" : out;
}

// `a.pem (for `a.example.com`)`
std::string described(const NamedCertificate& certificate) {
  return certificate.file + " (for " + listed(certificate.names) + ")";
}

std::string described(const std::vector<NamedCertificate>& certificates) {
  std::string out;
  for (std::size_t i = 0; i < std::min(certificates.size(), kMostNames); ++i)
    out += (i > 0 ? ", " : "") + described(certificates[i]);
  if (certificates.size() > kMostNames) out += " ...";
  return out;
}

bool any_covers(const std::vector<NamedCertificate>& certificates, const std::string& name) {
  return std::any_of(certificates.begin(), certificates.end(),
                     [&](const auto& certificate) { return covers(certificate.names, name); });
}

// Certificates for addresses have those as another kind of name, which nobody asks for by name.
bool is_name(const std::string& host) {
  return !host.starts_with('[') && !Networks::is_address(host);
}

std::string consequence(const conf::ServerTls& tls, const std::vector<NamedCertificate>& certificates) {
  const std::string has = "; there is " + described(certificates);
  if (tls.unknown_name == conf::UnknownServerName::refuse)
    return "their handshakes are refused (`unknownName: refuse`)" + has;
  return "clients are shown " + certificates.front().file + " and refuse it" + has;
}

// Hosts of routes that this listener serves, as far as no certificate is for them.
struct Uncovered {
  std::vector<std::string> hosts;
  std::string path;  // of the first
  conf::Place place;
};

Uncovered uncovered_hosts(const conf::Config& config, const conf::Listener& listener,
                          const std::vector<NamedCertificate>& certificates) {
  Uncovered found;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const auto& route = config.routes[i];
    if (!serves(route, listener)) continue;
    for (std::size_t j = 0; j < route.hosts.size(); ++j) {
      const auto& host = route.hosts[j];
      if (!is_name(host) || any_covers(certificates, host)) continue;
      if (std::find(found.hosts.begin(), found.hosts.end(), host) != found.hosts.end()) continue;
      if (found.hosts.empty()) {
        found.path = "routes[" + std::to_string(i) + "].hosts[" + std::to_string(j) + "]";
        found.place = config.place_of(found.path, route.place);
      }
      found.hosts.push_back(host);
    }
  }
  return found;
}

}  // namespace

std::vector<NamedCertificate> names_of(const net::TlsServer& server) {
  std::vector<NamedCertificate> certificates;
  for (const auto& certificate : server.certificates())
    certificates.push_back({certificate.files.certificate, certificate.names()});
  return certificates;
}

bool covers(const std::vector<std::string>& names, const std::string& name) {
  const auto has = [&](std::string_view wanted) {
    return std::find(names.begin(), names.end(), wanted) != names.end();
  };
  if (has(name)) return true;
  const auto dot = name.find('.');
  if (dot == std::string::npos) return false;
  const auto parent = name.substr(dot);
  if (!name.starts_with("*.")) return has("*" + parent);
  return std::any_of(names.begin(), names.end(), [&](const auto& one) { return one.ends_with(parent); });
}

conf::ConfigErrors name_warnings(const conf::Config& config, std::size_t listener,
                                 const std::vector<NamedCertificate>& certificates) {
  conf::ConfigErrors warnings;
  const auto& settings = config.listeners[listener];
  if (!settings.tls || certificates.empty()) return warnings;
  const auto& tls = *settings.tls;
  for (std::size_t i = 0; i < tls.hosts.size(); ++i) {
    const auto& names = tls.hosts[i].names;
    for (std::size_t j = 0; j < names.size(); ++j) {
      if (!is_name(names[j]) || any_covers(certificates, names[j])) continue;
      const auto path = "listeners[" + std::to_string(listener) + "].tls.hosts[" + std::to_string(i) +
                        "].names[" + std::to_string(j) + "]";
      warnings.push_back({config.place_of(path, tls.hosts[i].policy.place), path,
                          "no certificate here is for " + conf::quote(names[j]) + ": " +
                              consequence(tls, certificates) + ": add one, or mend the name"});
    }
  }
  const auto missing = uncovered_hosts(config, settings, certificates);
  if (missing.hosts.empty()) return warnings;
  warnings.push_back({missing.place, missing.path,
                      "no certificate of listeners[" + std::to_string(listener) + "] (" +
                          settings.address.text() + ") is for " + listed(missing.hosts) + ": " +
                          consequence(tls, certificates) +
                          ": add one, or name the listeners of the route in its `listeners`"});
  return warnings;
}

}  // namespace tidegate::gateway
