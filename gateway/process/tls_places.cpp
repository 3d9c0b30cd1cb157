#include "gateway/process/tls_places.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace tidegate::gateway {
namespace {

// A file and the key that names it.
struct NamedFile {
  std::string_view file;
  std::string path;
};
using NamedFiles = std::vector<NamedFile>;

std::string listener_path(std::size_t listener) {
  return "listeners[" + std::to_string(listener) + "].tls";
}

void add(NamedFiles& files, const conf::CertificateFiles& named, const std::string& path) {
  files.push_back({named.certificate, path + ".certificate"});
  files.push_back({named.key, path + ".key"});
  files.push_back({named.passphrase_file, path + ".passphraseFile"});
}

void add(NamedFiles& files, const conf::ClientCertificatePolicy& policy, const std::string& path) {
  files.push_back({policy.ca, path + ".clientCertificates.ca"});
  files.push_back({policy.crl, path + ".clientCertificates.crl"});
}

// What something was found in.
struct Whole {
  std::string path;
  conf::Place place;
};

conf::ConfigError locate(const conf::Config& config, const NamedFiles& files, Whole whole,
                         const net::TlsFault& fault) {
  const auto named = std::find_if(files.begin(), files.end(), [&](const NamedFile& one) {
    return !one.file.empty() && one.file == fault.file();
  });
  if (named != files.end()) {
    whole.place = config.place_of(named->path, whole.place);
    whole.path = named->path;
  }
  return {whole.place, whole.path, message_of(fault)};
}

}  // namespace

std::string message_of(const net::TlsFault& fault) {
  return fault.file().empty() ? fault.what() : fault.file() + ": " + fault.what();
}

std::string certificate_path(const conf::Config& config, std::size_t listener, std::size_t certificate) {
  auto path = listener_path(listener);
  if (certificate == 0 && config.is_written(path + ".certificate")) return path;
  return path + ".certificates[" + std::to_string(certificate) + "]";
}

conf::ConfigError fault_of_certificate(const conf::Config& config, std::size_t listener,
                                       std::size_t certificate, const net::TlsFault& fault) {
  const auto& found = config.listeners[listener].tls->certificates[certificate];
  const auto path = certificate_path(config, listener, certificate);
  NamedFiles files;
  add(files, found.files, path);
  files.push_back({found.staple.file, path + ".ocspStaple"});
  files.push_back({found.staple.issuer, path + ".ocspStaple.issuer"});
  return locate(config, files, {path, found.files.place}, fault);
}

conf::ConfigError fault_of_listener(const conf::Config& config, std::size_t listener,
                                    const net::TlsFault& fault) {
  const auto& tls = *config.listeners[listener].tls;
  const auto path = listener_path(listener);
  NamedFiles files;
  add(files, tls.clients, path);
  for (std::size_t i = 0; i < tls.hosts.size(); ++i)
    add(files, tls.hosts[i].policy, path + ".hosts[" + std::to_string(i) + "]");
  return locate(config, files, {path, tls.place}, fault);
}

conf::ConfigError fault_of_upstream(const conf::Config& config, std::size_t upstream,
                                    const net::TlsFault& fault) {
  const auto& tls = *config.upstreams[upstream].tls;
  const auto path = "upstreams." + config.upstreams[upstream].name + ".tls";
  NamedFiles files{{tls.ca, path + ".ca"}};
  add(files, tls.certificate, path);
  return locate(config, files, {path, tls.place}, fault);
}

}  // namespace tidegate::gateway
