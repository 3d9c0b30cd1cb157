// Socket addresses, and the two ways a socket is opened for them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

#include "wire/net/connection_options.hpp"
#include "wire/net/failure.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::net {

// An IPv4, IPv6 or Unix address. A value.
class SocketAddress {
 public:
  SocketAddress() = default;
  // `host` is an IP literal without brackets; nullopt if it is anything else.
  [[nodiscard]] static std::optional<SocketAddress> from_ip(std::string_view host, std::uint16_t port);
  // `@name` is an abstract address; nullopt if the path is too long for the kernel (107 bytes).
  [[nodiscard]] static std::optional<SocketAddress> from_path(std::string_view path);
  // An IPv4 or IPv6 address as the kernel or the resolver gives it; nullopt for any other family.
  [[nodiscard]] static std::optional<SocketAddress> from_kernel(const sockaddr* address, socklen_t size);
  // Takes one connection off a listening socket, non-blocking; empty with errno set if there is none.
  [[nodiscard]] static UniqueFd accept(int listener, SocketAddress& peer);
  [[nodiscard]] static SocketAddress local_of(int socket);

  [[nodiscard]] int family() const { return storage_.any.sa_family; }
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] bool is_loopback() const;
  // Family, address (or path) and port are equal.
  [[nodiscard]] bool operator==(const SocketAddress& other) const;
  // The address without port: `10.0.0.1`, `::1` (an IPv4-mapped IPv6 address as IPv4), `unix:` for Unix
  // peers.
  [[nodiscard]] std::string_view write_host(std::array<char, 64>& out) const;
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::string text() const;

  [[nodiscard]] const sockaddr* data() const { return &storage_.any; }
  [[nodiscard]] socklen_t size() const { return size_; }

 private:
  // The largest comes first: it is the one that `{}` makes zero, and a path relies on the zero behind it.
  union Storage {
    sockaddr_storage whole;
    sockaddr any;
    sockaddr_un unix_path;
  };
  Storage storage_{};
  socklen_t size_ = 0;
};

// Starts a non-blocking connect: 0, or EINPROGRESS while it is under way, is success. A TCP connection gets
// `options`, and comes from the address `from` (of the same family, its port is not looked at) if one is
// given; the port is chosen by the connect, so that it may serve other destinations too
// (IP_BIND_ADDRESS_NO_PORT). EADDRNOTAVAIL: no port is left, or `from` is not an address of this machine.
[[nodiscard]] boost::system::result<UniqueFd, error_code> start_connect(const SocketAddress& to,
                                                                        const ConnectionOptions& options = {},
                                                                        const SocketAddress* from = nullptr);

// False where the kernel was built or booted without that family (often IPv6 in containers).
[[nodiscard]] bool family_available(int family);

enum class PortSharing { exclusive, shared };

// A bound, listening, non-blocking socket. `exclusive` fails with EADDRINUSE beside any other socket and then
// turns SO_REUSEPORT on, so that the same process can open further ones with `shared`: a second instance is
// told apart from a second worker. TCP connections accepted from it have `options`. A stale Unix socket file
// is removed if nobody listens there.
[[nodiscard]] boost::system::result<UniqueFd, error_code> open_listener(
    const SocketAddress& at, int backlog, PortSharing sharing, const ConnectionOptions& options = {});

// What a listening socket has besides its address, changed while it listens; connections that were accepted
// before keep what they have.
void adjust_listener(int socket, int backlog, const ConnectionOptions& options);

}  // namespace tidegate::net
