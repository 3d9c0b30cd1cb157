#include "wire/net/socket_address.hpp"

#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

namespace tidegate::net {
namespace {

const sockaddr_in& as_v4(const sockaddr* address) {
  return *reinterpret_cast<const sockaddr_in*>(address);
}
const sockaddr_in6& as_v6(const sockaddr* address) {
  return *reinterpret_cast<const sockaddr_in6*>(address);
}

void set_option(int socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket, level, option, &on, sizeof on);
}

// A socket file that a killed process left behind is removed; one that answers is not.
void remove_stale_file(const SocketAddress& at) {
  const auto* const path = reinterpret_cast<const sockaddr_un*>(at.data())->sun_path;
  struct stat status {};
  if (path[0] == '\0' || ::lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), at.data(), at.size()) != 0 && errno == ECONNREFUSED) ::unlink(path);
}

}  // namespace

std::optional<SocketAddress> SocketAddress::from_ip(std::string_view host, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN + 1> text{};
  if (host.empty() || host.size() >= text.size()) return std::nullopt;
  if (host.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton would stop there
  std::memcpy(text.data(), host.data(), host.size());
  SocketAddress address;
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, text.data(), &v4) == 1) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr = v4;
    std::memcpy(&address.storage_, &out, sizeof out);
    address.size_ = sizeof out;
    return address;
  }
  if (::inet_pton(AF_INET6, text.data(), &v6) == 1) {
    sockaddr_in6 out{};
    out.sin6_family = AF_INET6;
    out.sin6_port = htons(port);
    out.sin6_addr = v6;
    std::memcpy(&address.storage_, &out, sizeof out);
    address.size_ = sizeof out;
    return address;
  }
  return std::nullopt;
}

std::optional<SocketAddress> SocketAddress::from_path(std::string_view path) {
  SocketAddress address;
  auto& out = address.storage_.unix_path;
  if (path.empty() || path.size() >= sizeof out.sun_path) return std::nullopt;
  out.sun_family = AF_UNIX;
  std::memcpy(out.sun_path, path.data(), path.size());
  if (path.front() == '@') out.sun_path[0] = '\0';
  const auto terminator = path.front() == '@' ? 0U : 1U;
  address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + terminator);
  return address;
}

std::optional<SocketAddress> SocketAddress::from_kernel(const sockaddr* address, socklen_t size) {
  const bool inet = address->sa_family == AF_INET || address->sa_family == AF_INET6;
  if (!inet || size > sizeof(Storage)) return std::nullopt;
  SocketAddress result;
  std::memcpy(&result.storage_, address, size);
  result.size_ = size;
  return result;
}

UniqueFd SocketAddress::accept(int listener, SocketAddress& peer) {
  peer.size_ = sizeof peer.storage_;
  return UniqueFd(::accept4(listener, &peer.storage_.any, &peer.size_, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

SocketAddress SocketAddress::local_of(int socket) {
  SocketAddress address;
  address.size_ = sizeof address.storage_;
  if (::getsockname(socket, &address.storage_.any, &address.size_) != 0) address.size_ = 0;
  return address;
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(as_v4(data()).sin_port);
  if (family() == AF_INET6) return ntohs(as_v6(data()).sin6_port);
  return 0;
}

bool SocketAddress::is_loopback() const {
  if (family() == AF_INET) return (ntohl(as_v4(data()).sin_addr.s_addr) >> 24) == 127;
  if (family() != AF_INET6) return false;
  const auto& v6 = as_v6(data()).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  return family() == AF_UNIX ? text() == other.text() : host() == other.host();
}

std::string_view SocketAddress::write_host(std::array<char, 64>& out) const {
  if (family() == AF_INET) {
    ::inet_ntop(AF_INET, &as_v4(data()).sin_addr, out.data(), static_cast<socklen_t>(out.size()));
  } else if (family() == AF_INET6) {
    const auto& v6 = as_v6(data()).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, &v6.s6_addr[12], out.data(), static_cast<socklen_t>(out.size()));
    } else {
      ::inet_ntop(AF_INET6, &v6, out.data(), static_cast<socklen_t>(out.size()));
    }
  } else {
    return "unix:";
  }
  return {out.data(), std::strlen(out.data())};
}

std::string SocketAddress::host() const {
  std::array<char, 64> out{};
  return std::string(write_host(out));
}

std::string SocketAddress::text() const {
  if (family() == AF_UNIX) {
    const auto length = size_ - offsetof(sockaddr_un, sun_path);
    std::string path(storage_.unix_path.sun_path, length);
    if (!path.empty() && path.front() == '\0') path.front() = '@';
    while (!path.empty() && path.back() == '\0') path.pop_back();
    return "unix:" + path;
  }
  const auto name = host();
  const bool v6 = name.find(':') != std::string::npos;
  return (v6 ? "[" + name + "]" : name) + ":" + std::to_string(port());
}

bool family_available(int family) {
  const UniqueFd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  if (family != AF_INET6) return true;
  // With net.ipv6.conf.all.disable_ipv6 the family exists, but no address of it can be bound.
  const auto any = SocketAddress::from_ip("::", 0);
  return ::bind(socket.get(), any->data(), any->size()) == 0;
}

boost::system::result<UniqueFd, error_code> start_connect(const SocketAddress& to,
                                                          const ConnectionOptions& options,
                                                          const SocketAddress* from) {
  UniqueFd socket(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return last_error();
  if (to.family() != AF_UNIX) set_connection_options(socket.get(), options);
  if (from != nullptr) {
    set_option(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);  // for IPv6 too (ip(7))
    if (::bind(socket.get(), from->data(), from->size()) != 0) return last_error();
  }
  // A Unix socket whose queue is full says EAGAIN: there is nothing to wait on, so it is a failure to be
  // retried.
  if (::connect(socket.get(), to.data(), to.size()) != 0 && errno != EINPROGRESS) return last_error();
  return socket;
}

boost::system::result<UniqueFd, error_code> open_listener(const SocketAddress& at, int backlog,
                                                          PortSharing sharing,
                                                          const ConnectionOptions& options) {
  UniqueFd socket(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return last_error();
  const bool inet = at.family() != AF_UNIX;
  if (inet) set_connection_options(socket.get(), options);
  if (inet) set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR);
  if (at.family() == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (inet && sharing == PortSharing::shared) set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT);
  if (!inet) remove_stale_file(at);
  if (::bind(socket.get(), at.data(), at.size()) != 0) return last_error();
  if (inet && sharing == PortSharing::exclusive) set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT);
  if (::listen(socket.get(), backlog) != 0) return last_error();
  return socket;
}

void adjust_listener(int socket, int backlog, const ConnectionOptions& options) {
  if (SocketAddress::local_of(socket).family() != AF_UNIX) set_connection_options(socket, options);
  // Linux takes a new backlog for a socket that listens already (inet_listen).
  (void)::listen(socket, backlog);
}

}  // namespace tidegate::net
