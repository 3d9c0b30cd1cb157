#include "gateway/process/tls_build.hpp"

#include <algorithm>

namespace tidegate::gateway {
namespace {

using Files = std::vector<std::string>;

void add(Files& files, const conf::CertificateFiles& named) {
  files.insert(files.end(), {named.certificate, named.key, named.passphrase_file});
}

void add(Files& files, const conf::ClientCertificatePolicy& policy) {
  files.insert(files.end(), {policy.ca, policy.crl});
}

void add(Files& files, const conf::ServerTls& tls) {
  for (const auto& certificate : tls.certificates) {
    add(files, certificate.files);
    files.insert(files.end(), {certificate.staple.file, certificate.staple.issuer});
  }
  add(files, tls.clients);
  for (const auto& host : tls.hosts) add(files, host.policy);
}

void add(Files& files, const conf::UpstreamTls& tls) {
  files.push_back(tls.ca);
  add(files, tls.certificate);
}

template <class Tls>
bool files_are_same(const Tls& tls, const net::FileStamps& before, const net::FileStamps& now) {
  Files files;
  add(files, tls);
  return std::all_of(files.begin(), files.end(), [&](const std::string& file) {
    if (file.empty()) return true;
    const auto then = before.find(file);
    const auto today = now.find(file);
    return then != before.end() && today != now.end() && then->second == today->second &&
           !(today->second == net::FileStamp{});
  });
}

// `configured` holds what `built` was made of, in the same order.
template <class Configured, class Built, class Tls>
typename Built::value_type find(const Configured& configured, const Built& built, const Tls& tls) {
  for (std::size_t i = 0; i < configured.size(); ++i) {
    if (built[i] && configured[i].tls && *configured[i].tls == tls) return built[i];
  }
  return nullptr;
}

}  // namespace

Files tls_files(const conf::Config& config) {
  Files files{config.ticket_keys};
  for (const auto& listener : config.listeners) {
    if (listener.tls) add(files, *listener.tls);
  }
  for (const auto& upstream : config.upstreams) {
    if (upstream.tls) add(files, *upstream.tls);
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::erase(files, "");
  return files;
}

std::shared_ptr<const net::TlsServer> find_same(const TlsBuild& before, const conf::ServerTls& settings,
                                                const net::FileStamps& now) {
  if (!before.config || !files_are_same(settings, before.stamps, now)) return nullptr;
  return find(before.config->listeners, before.contexts->listeners, settings);
}

std::shared_ptr<const net::TlsClient> find_same(const TlsBuild& before, const conf::UpstreamTls& settings,
                                                const net::FileStamps& now) {
  if (!before.config || !files_are_same(settings, before.stamps, now)) return nullptr;
  return find(before.config->upstreams, before.contexts->upstreams, settings);
}

}  // namespace tidegate::gateway
