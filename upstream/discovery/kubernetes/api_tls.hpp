// The TLS session towards an API server. Its certificates are texts and not files, for a kubeconfig has them
// in itself.
#pragma once

#include "upstream/discovery/kubernetes/api_access.hpp"
#include "wire/net/tls_session.hpp"

namespace tidegate::upstream {

// Ready for a handshake as the client, in which the server has to show a certificate for its host (or the
// `server_name`) by one of the authorities, unless nothing is verified. The error names the text that cannot
// be used and where it came from.
[[nodiscard]] conf::Parsed<net::SslPtr> make_session(const ApiAccess& access);

}  // namespace tidegate::upstream
