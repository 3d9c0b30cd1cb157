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

}  // namespace tidegate::gateway
