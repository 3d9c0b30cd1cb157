// Opening connections to endpoints.
#pragma once

#include <memory>

#include "conf/config.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"

namespace tidegate::upstream {

// nullopt if the address is neither an IP literal nor a usable Unix path (validation refuses such endpoints).
[[nodiscard]] std::optional<net::SocketAddress> socket_address(const conf::Address& address);

using ConnectResult = boost::system::result<std::unique_ptr<net::Stream>, net::error_code>;

// Connects to `to`. Fails with ETIMEDOUT at `deadline` and with ECANCELED when `client` (may be null) hangs
// up first; any other code is the kernel's.
[[nodiscard]] net::Task<ConnectResult> connect(net::EventLoop& loop, const net::SocketAddress& to,
                                               net::TimePoint deadline, net::Stream* client);

}  // namespace tidegate::upstream
