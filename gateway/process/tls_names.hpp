// Server names that no certificate is for: their clients get a certificate which they refuse.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "conf/config_error.hpp"
#include "wire/net/tls_server.hpp"

namespace tidegate::gateway {

// A certificate as far as names go.
struct NamedCertificate {
  std::string file;
  std::vector<std::string> names;  // it was issued for, lower case
};

[[nodiscard]] std::vector<NamedCertificate> names_of(const net::TlsServer& server);

// Whether a client that asks for `name` finds it in a certificate for `names`: equal, or below a wildcard by
// one label (RFC 6125 6.4.3). A `*.suffix` is found where any name below the suffix is.
[[nodiscard]] bool covers(const std::vector<std::string>& names, const std::string& name);

// One warning for each of the listener's `tls.hosts[].names` that none of its certificates covers, and one
// for the hosts of its routes if they cover none of those: with its place, the names and those of the
// certificates. Pure.
[[nodiscard]] conf::ConfigErrors name_warnings(const conf::Config& config, std::size_t listener,
                                               const std::vector<NamedCertificate>& certificates);

}  // namespace tidegate::gateway
