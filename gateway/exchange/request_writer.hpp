// The head that goes to the upstream: what the client sent, less what ends at this hop, plus who it came
// from.
#pragma once

#include <string_view>

#include "gateway/exchange/exchange.hpp"
#include "upstream/endpoint.hpp"

namespace tidegate::gateway {

// Writes the request's head for `endpoint` into `exchange.out`, which has a block (cleared first, grown as
// needed). False if it would be larger than 1 MiB.
[[nodiscard]] bool write_request(Exchange& exchange, const ProxyRoute& route,
                                 const upstream::Endpoint& endpoint);

// Whether a protocol other than WebSocket may be asked of the upstream. HTTP/2 and TLS never are, not even by
// `any`: requests inside them would pass by every route and rule.
[[nodiscard]] bool passes_protocol(const conf::UpgradePolicy& policy, std::string_view protocol);

// One of the protocols in the request's `Upgrade` fields may be asked of the upstream.
[[nodiscard]] bool passes_any_protocol(const conf::UpgradePolicy& policy, const http::Fields& fields);

}  // namespace tidegate::gateway
