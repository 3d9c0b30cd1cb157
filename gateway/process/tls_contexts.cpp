#include "gateway/process/tls_contexts.hpp"

#include <algorithm>
#include <iterator>

#include "gateway/process/tls_build.hpp"
#include "gateway/process/tls_names.hpp"
#include "gateway/process/tls_places.hpp"
#include "wire/net/kernel_tls.hpp"
#include "wire/net/tls_error.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::chrono::hours kExpirySoon{24 * 14};

net::CertificateFiles files_of(const conf::CertificateFiles& files) {
  return {files.certificate, files.key, files.passphrase_file};
}

net::ClientCertificatePolicy policy_of(const conf::ClientCertificatePolicy& policy) {
  return {static_cast<net::ClientCertificates>(policy.mode), policy.ca, policy.crl, policy.depth};
}

int version_of(conf::TlsVersion version) {
  return version == conf::TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

net::TlsIdentity identity_of(const conf::ServerCertificate& certificate) {
  const auto& staple = certificate.staple;
  net::TlsIdentity identity{files_of(certificate.files), certificate.names, staple.file, {}};
  if (staple.fetch) identity.fetch = {staple.responder, staple.issuer};
  return identity;
}

net::TlsServerSettings settings_of(const conf::ServerTls& tls) {
  net::TlsServerSettings settings;
  for (const auto& certificate : tls.certificates) settings.identities.push_back(identity_of(certificate));
  settings.refuse_unknown = tls.unknown_name == conf::UnknownServerName::refuse;
  settings.choices = {version_of(tls.oldest), tls.ciphers, tls.cipher_suites, tls.kernel};
  settings.clients = policy_of(tls.clients);
  for (const auto& host : tls.hosts) settings.policies.push_back({host.names, policy_of(host.policy)});
  return settings;
}

net::TlsClientSettings settings_of(const conf::UpstreamTls& tls) {
  return {tls.server_name,
          tls.verify,
          tls.ca,
          files_of(tls.certificate),
          {version_of(tls.oldest), {}, {}, false}};
}

// What contexts are built from, beside their settings.
struct Sources {
  const conf::Config& config;
  const std::shared_ptr<net::TicketKeys>& keys;
  net::WallTime now;
};

// Null if something was wrong with it.
std::shared_ptr<const net::TlsServer> make_server(const Sources& from, std::size_t listener,
                                                  net::TlsServerSettings settings,
                                                  conf::ConfigErrors& faults) {
  try {
    return net::TlsServer::make(std::move(settings), from.keys, from.now);
  } catch (const net::TlsIdentityFaults& found) {
    for (const auto& [identity, fault] : found.entries())
      faults.push_back(fault_of_certificate(from.config, listener, identity, fault));
  } catch (const net::TlsFault& fault) {
    faults.push_back(fault_of_listener(from.config, listener, fault));
  }
  return nullptr;
}

// A sentence if clients are not shown a staple that they should be; empty otherwise.
std::string missing_staple(const net::Certificate& certificate, const net::TlsStaple* staple,
                           net::WallTime now) {
  if (staple != nullptr && staple->fault() != nullptr) {
    return message_of(*staple->fault()) + (staple->at(now)
                                               ? "; clients go on to get the OCSP response before it"
                                               : "; clients get no OCSP response");
  }
  const bool demanded = net::must_staple(certificate);
  const bool waits = staple != nullptr && staple->inquiry() != nullptr;
  if (waits || (staple != nullptr && staple->at(now))) return {};
  if (staple == nullptr && !demanded) return {};
  return certificate.files.certificate +
         (staple == nullptr ? ": clients are to refuse this certificate without an OCSP response (RFC 7633) "
                              "and get none: set `ocspStaple: fetch`"
                            : ": its OCSP response has expired and is not sent along: renew the file that "
                              "`ocspStaple` names, or set `ocspStaple: fetch`");
}

}  // namespace

TlsContexts make_tls_contexts(const conf::Config& config, std::shared_ptr<net::TicketKeys> keys,
                              net::WallTime now, conf::ConfigErrors& faults, const TlsMaking& making) {
  TlsContexts contexts;
  if (!config.ticket_keys.empty()) {
    try {
      contexts.ticket_secrets = net::read_ticket_secrets(config.ticket_keys);
    } catch (const net::TlsFault& fault) {
      faults.push_back({config.place_of("tlsTicketKeys"), "tlsTicketKeys", message_of(fault)});
    }
  }
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    auto& server = contexts.listeners.emplace_back();
    if (!listener.tls) continue;
    if (making.before != nullptr) server = find_same(*making.before, *listener.tls, making.stamps);
    if (server) continue;
    conf::ConfigErrors found;
    auto settings = settings_of(*listener.tls);
    settings.staples_needed = making.staples == StapleFaults::faults;
    server = make_server({config, keys, now}, i, std::move(settings), found);
    if (listener.optional_family) continue;  // the same was said of its other half
    std::move(found.begin(), found.end(), std::back_inserter(faults));
  }
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    const auto& upstream = config.upstreams[i];
    auto& client = contexts.upstreams.emplace_back();
    if (!upstream.tls) continue;
    if (making.before != nullptr) client = find_same(*making.before, *upstream.tls, making.stamps);
    if (client) continue;
    try {
      client = std::make_shared<const net::TlsClient>(settings_of(*upstream.tls), now);
    } catch (const net::TlsFault& fault) {
      faults.push_back(fault_of_upstream(config, i, fault));
    }
  }
  return contexts;
}

void use_ticket_keys(const TlsContexts& contexts, net::TicketKeys& keys) {
  if (contexts.ticket_secrets.empty()) return keys.rotate();
  keys.set(contexts.ticket_secrets);
}

std::vector<std::string> tls_warnings(const conf::Config& config, const TlsContexts& contexts,
                                      net::WallTime now) {
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < contexts.listeners.size(); ++i) {
    if (!contexts.listeners[i] || config.listeners[i].optional_family) continue;
    for (const auto& warning : name_warnings(config, i, names_of(*contexts.listeners[i])))
      warnings.push_back(warning.text());
  }
  bool kernel_wanted = false;
  for (const auto& server : contexts.listeners) {
    if (!server) continue;
    if (server->wants_kernel()) kernel_wanted = true;
    for (std::size_t i = 0; i < server->certificates().size(); ++i) {
      const auto& certificate = server->certificates()[i];
      auto found = net::warnings_of(certificate, now, kExpirySoon);
      std::move(found.begin(), found.end(), std::back_inserter(warnings));
      const auto missing = missing_staple(certificate, server->staples()[i].get(), now);
      if (!missing.empty()) warnings.push_back(missing);
    }
  }
  if (kernel_wanted) {
    const auto fault = net::kernel_tls_fault();
    if (!fault.empty()) warnings.push_back("`tls.kernel` has no effect: " + fault);
  }
  std::sort(warnings.begin(), warnings.end());
  warnings.erase(std::unique(warnings.begin(), warnings.end()), warnings.end());
  return warnings;
}

}  // namespace tidegate::gateway
