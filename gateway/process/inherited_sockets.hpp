// Listening sockets that somebody else has opened: the process manager that starts the gateway when it likes
// (systemd's socket activation), or another process of the gateway.
#pragma once

#include <string>
#include <vector>

#include "wire/net/failure.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

// Owned by control. A socket is *lent* if whoever handed it over keeps it as well: it listens whether the
// gateway does or not, so the file of a Unix socket stays at the end, and a copy is kept here for the case
// that its listener is wanted again.
class InheritedSockets {
 public:
  InheritedSockets() = default;

  // Takes a descriptor over and makes it non-blocking and closed on exec. Anything but a listening stream
  // socket with an IP or Unix address is closed; then the result says what it is, otherwise it is empty.
  [[nodiscard]] std::string add(net::UniqueFd descriptor, bool lent);

  struct Found {
    std::vector<net::UniqueFd> sockets;
    bool lent = false;  // at least one of them
  };
  // All that are bound to exactly this address, possibly none (several share a port with SO_REUSEPORT). Lent
  // ones are copied, and the next call gives them again; the others are handed out. An error: no descriptor
  // is left.
  [[nodiscard]] boost::system::result<Found, net::error_code> take(const net::SocketAddress& at);

  // True if one of them listens on all IPv6 addresses with this IPv4 address's port and takes IPv4 too: then
  // no other socket can have it.
  [[nodiscard]] bool take_ipv4(const net::SocketAddress& at) const;

  // Closes those that nobody has taken and gives their addresses.
  std::vector<std::string> close_unclaimed();

 private:
  struct Socket {
    net::UniqueFd descriptor;
    net::SocketAddress at;
    bool lent = false;
    bool taken = false;
  };

  std::vector<Socket> sockets_;
};

}  // namespace tidegate::gateway
