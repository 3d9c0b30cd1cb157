// One address in front of the pods, as a Kubernetes Service whose endpoint list lags behind: each new
// connection is led to any pod, dead ones too, and is really refused there.
#pragma once

#include <cstdint>
#include <span>

#include <boost/asio/ip/tcp.hpp>

namespace tidegate::prove {

// Moves this process, and all it starts from now on, into a network and a mount namespace of its own with the
// loopback up and the service's address on it. To be called before any thread is started. Throws Missing when
// the kernel or the user's rights do not allow it.
void enter_own_network();

// The service's address; valid once `lead_to` was called.
[[nodiscard]] boost::asio::ip::tcp::endpoint service_address();

// Installs the rule that leads each connection to one of `ports` of 127.0.0.1 at random, dead or not;
// replaces the rule before. Throws Missing when nft is not installed or refuses.
void lead_to(std::span<const std::uint16_t> ports);

}  // namespace tidegate::prove
