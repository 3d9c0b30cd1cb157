// Opening connections to endpoints.
#pragma once

#include <memory>
#include <vector>

#include "conf/config.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"
#include "wire/net/tls_client.hpp"
#include "wire/net/tls_handshake.hpp"

namespace tidegate::upstream {

// nullopt if the address is neither an IP literal nor a usable Unix path (validation refuses such endpoints).
[[nodiscard]] std::optional<net::SocketAddress> socket_address(const conf::Address& address);

// What the sockets of a listener have. The deadlines of the tunnels to any upstream hold for its clients too,
// so the longest `writeStall` counts.
[[nodiscard]] net::ConnectionOptions connection_options(const conf::Listener& listener,
                                                        const std::vector<conf::Upstream>& upstreams);
// What the connections to an upstream's endpoints have.
[[nodiscard]] net::ConnectionOptions connection_options(const conf::Upstream& upstream);

using ConnectResult = boost::system::result<std::unique_ptr<net::Stream>, net::error_code>;

// Connects to `to`, an endpoint of `upstream`. Fails by a limit, with its code, or as the kernel says.
[[nodiscard]] net::Task<ConnectResult> connect(net::EventLoop& loop, const net::SocketAddress& to,
                                               const conf::Upstream& upstream, net::OpeningLimits limits);

// The same to two addresses of one host: to `second` too once `first` has not answered for 250 ms (RFC 8305
// 5). The first that is connected to is taken, and the other one let go; a failure of one while the other is
// under way is not the end.
struct EitherConnected {
  ConnectResult stream;
  bool second_taken = false;
  // How each failed by itself; none of one that was let go or not begun. If both did, the result has the
  // first's.
  net::error_code first_fault;
  net::error_code second_fault;
};
[[nodiscard]] net::Task<EitherConnected> connect_to_either(net::EventLoop& loop,
                                                           const net::SocketAddress& first,
                                                           const net::SocketAddress& second,
                                                           const conf::Upstream& upstream,
                                                           net::OpeningLimits limits);

// Makes a connected stream speak TLS and completes the handshake; `host` is whom the certificate must name.
// Outcomes as above, and codes of `net::tls_category`.
[[nodiscard]] net::Task<net::error_code> secure(net::Stream& stream, const net::TlsClient& tls,
                                                const std::string& host, net::OpeningLimits limits);

}  // namespace tidegate::upstream
