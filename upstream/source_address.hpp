// From which address of this machine a connection is made.
#pragma once

#include <cstddef>

#include "conf/config.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::upstream {

// Starts a connect to an endpoint of `upstream` from one of its `sourceAddresses` of the same family: number
// `turn` of them, and the others in turn while there is no port left (each has ports of its own towards the
// same endpoint). Where there is none the kernel chooses. EADDRNOTAVAIL: none has a port left.
[[nodiscard]] boost::system::result<net::UniqueFd, net::error_code> start_connect(
    const net::SocketAddress& to, const conf::Upstream& upstream, std::size_t turn);

}  // namespace tidegate::upstream
