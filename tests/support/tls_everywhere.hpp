// The same tests once more under TLS: with TIDEGATE_TEST_TLS in the environment every listener of a fixture
// has a certificate and every client speaks TLS. What holds in clear text is to hold there too.
#pragma once

#include "conf/config.hpp"
#include "wire/net/tls_session.hpp"

namespace tidegate::test {

[[nodiscard]] bool tls_everywhere();
// Gives a certificate to each listener that has none.
void add_certificates(conf::Config& config);
// A client's session that believes that certificate's authority.
[[nodiscard]] net::SslPtr client_session();

}  // namespace tidegate::test
