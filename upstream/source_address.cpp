#include "upstream/source_address.hpp"

#include "upstream/connector.hpp"

namespace tidegate::upstream {

boost::system::result<net::UniqueFd, net::error_code> start_connect(const net::SocketAddress& to,
                                                                    const conf::Upstream& upstream,
                                                                    std::size_t turn) {
  const auto options = connection_options(upstream);
  const auto& sources = upstream.source_addresses;
  if (sources.empty() || to.family() == AF_UNIX) return net::start_connect(to, options);
  bool any = false;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto from = net::SocketAddress::from_ip(sources[(turn + i) % sources.size()], 0);
    if (!from || from->family() != to.family()) continue;
    any = true;
    auto socket = net::start_connect(to, options, &*from);
    if (socket || socket.error().value() != EADDRNOTAVAIL) return socket;
  }
  if (any) return net::make_error(EADDRNOTAVAIL);
  return net::start_connect(to, options);
}

}  // namespace tidegate::upstream
