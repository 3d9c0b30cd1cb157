#include "gateway/process/tls_contexts.hpp"

#include <algorithm>
#include <iterator>

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

net::TlsServerSettings settings_of(const conf::ServerTls& tls) {
  net::TlsServerSettings settings;
  for (const auto& certificate : tls.certificates)
    settings.identities.push_back({files_of(certificate.files), certificate.names, certificate.ocsp_staple});
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

std::string message_of(const net::TlsFault& fault) {
  return fault.file().empty() ? fault.what() : fault.file() + ": " + fault.what();
}

// What is wrong with each certificate: one that is faulty does not hide the next.
conf::ConfigErrors certificate_faults(const conf::ServerTls& tls, const std::string& path,
                                      net::WallTime now) {
  conf::ConfigErrors faults;
  for (const auto& certificate : tls.certificates) {
    try {
      (void)net::load_certificate(files_of(certificate.files), now);
    } catch (const net::TlsFault& fault) {
      faults.push_back({certificate.files.place, path, message_of(fault)});
    }
  }
  return faults;
}

}  // namespace

TlsContexts make_tls_contexts(const conf::Config& config, std::shared_ptr<net::TicketKeys> keys,
                              net::WallTime now, conf::ConfigErrors& faults) {
  TlsContexts contexts;
  if (!config.ticket_keys.empty()) {
    try {
      keys->set(net::read_ticket_secrets(config.ticket_keys));
    } catch (const net::TlsFault& fault) {
      faults.push_back({{}, "tlsTicketKeys", message_of(fault)});
    }
  }
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    auto& server = contexts.listeners.emplace_back();
    if (!listener.tls) continue;
    const auto path = "listeners[" + std::to_string(i) + "].tls";
    auto found = certificate_faults(*listener.tls, path, now);
    try {
      if (found.empty()) server = net::TlsServer::make(settings_of(*listener.tls), keys, now);
    } catch (const net::TlsFault& fault) {
      found.push_back({listener.tls->place, path, message_of(fault)});
    }
    if (listener.optional_family) continue;  // the same was said of its other half
    std::move(found.begin(), found.end(), std::back_inserter(faults));
  }
  for (const auto& upstream : config.upstreams) {
    auto& client = contexts.upstreams.emplace_back();
    if (!upstream.tls) continue;
    try {
      client = std::make_shared<const net::TlsClient>(settings_of(*upstream.tls), now);
    } catch (const net::TlsFault& fault) {
      faults.push_back({upstream.tls->place, "upstreams." + upstream.name + ".tls", message_of(fault)});
    }
  }
  return contexts;
}

std::vector<std::string> tls_warnings(const TlsContexts& contexts, net::WallTime now) {
  std::vector<std::string> warnings;
  for (const auto& server : contexts.listeners) {
    if (!server) continue;
    for (const auto& certificate : server->certificates()) {
      auto found = net::warnings_of(certificate, now, kExpirySoon);
      std::move(found.begin(), found.end(), std::back_inserter(warnings));
    }
  }
  std::sort(warnings.begin(), warnings.end());
  warnings.erase(std::unique(warnings.begin(), warnings.end()), warnings.end());
  return warnings;
}

}  // namespace tidegate::gateway
