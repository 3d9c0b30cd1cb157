// One address in front of the pods, as a Kubernetes Service whose endpoint list lags behind: each new
// connection is led to any pod, dead ones too, and is really refused there.
#pragma once

#include <cstdint>
#include <span>

#include <boost/asio/ip/tcp.hpp>

namespace tidegate::prove {

// `test::enter_own_network`, with the service's address on the loopback.
void enter_service_network();

// The service's address; valid once `lead_to` was called.
[[nodiscard]] boost::asio::ip::tcp::endpoint service_address();

// Installs the rule that leads each connection to one of `ports` of 127.0.0.1 at random, dead or not;
// replaces the rule before. Throws Missing when nft is not installed or refuses.
void lead_to(std::span<const std::uint16_t> ports);

}  // namespace tidegate::prove
