// Who the client is when trusted proxies stand before the gateway.
#pragma once

#include <string_view>

#include "gateway/process/networks.hpp"
#include "wire/http/head.hpp"

namespace tidegate::gateway {

// Walks X-Forwarded-For (over repeated fields) from right to left: the first address that is not a trusted
// proxy is the client. Ports and brackets are taken off; a member that is no address (`unknown`) ends the
// walk, since nobody vouches for what stands left of it. `peer` is the connection's own address, which is the
// answer if it is not trusted. The view lives as long as the head.
[[nodiscard]] std::string_view client_address(const http::Fields& fields, std::string_view peer,
                                              const Networks& trusted);

// What the proxy that met the client says of it. The views live as long as the head.
struct ForwardedClient {
  std::string_view address;
  std::string_view proto;  // `https`; empty if it does not say
  std::string_view host;   // the Host the client asked for; likewise, or if it says what no Host may be
};

// The same walk over Forwarded (RFC 7239). An element without `for`, with an identifier that hides the
// address (`unknown`, `_hidden`) or of wrong syntax ends it. It is read from its end, where the nearest proxy
// has written: what a client has put before that, an open quote say, does not reach it.
[[nodiscard]] ForwardedClient forwarded_client(const http::Fields& fields, std::string_view peer,
                                               const Networks& trusted);

}  // namespace tidegate::gateway
