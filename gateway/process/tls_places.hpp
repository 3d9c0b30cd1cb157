// Which key of a configuration a fault of TLS is about.
#pragma once

#include <cstddef>
#include <string>

#include "conf/config.hpp"
#include "conf/config_error.hpp"
#include "wire/net/tls_error.hpp"

namespace tidegate::gateway {

// `FILE: WHY`, or `WHY` where no file is to blame.
[[nodiscard]] std::string message_of(const net::TlsFault& fault);

// `listeners[2].tls.certificates[0]`, or `listeners[2].tls` where the only certificate is written there.
[[nodiscard]] std::string certificate_path(const conf::Config& config, std::size_t listener,
                                           std::size_t certificate);

// Each of these is the fault with the path and place of the key that names its file, else with those of what
// it was found in: a certificate of a listener, a listener's `tls`, an upstream's. Numbers are those of
// `config`.
[[nodiscard]] conf::ConfigError fault_of_certificate(const conf::Config& config, std::size_t listener,
                                                     std::size_t certificate, const net::TlsFault& fault);
[[nodiscard]] conf::ConfigError fault_of_listener(const conf::Config& config, std::size_t listener,
                                                  const net::TlsFault& fault);
[[nodiscard]] conf::ConfigError fault_of_upstream(const conf::Config& config, std::size_t upstream,
                                                  const net::TlsFault& fault);

}  // namespace tidegate::gateway
