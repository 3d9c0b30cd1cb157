#include "gateway/process/inherited_sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tidegate::gateway {
namespace {

// 0 if the socket does not know the option.
int option(int socket, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, level, name, &value, &size) == 0 ? value : 0;
}

// Empty if connections can be accepted from it.
std::string fault_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "no socket";
  const int family = address.ss_family;
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
    return "a socket of address family " + std::to_string(family);
  const auto at = net::SocketAddress::local_of(descriptor).text();
  if (option(descriptor, SOL_SOCKET, SO_TYPE) != SOCK_STREAM) return at + ", which is no stream socket";
  if (option(descriptor, SOL_SOCKET, SO_ACCEPTCONN) == 0)
    return at + ", which does not listen (a socket unit needs Accept=no)";
  return {};
}

}  // namespace

std::string InheritedSockets::add(net::UniqueFd descriptor, bool lent) {
  if (auto fault = fault_of(descriptor.get()); !fault.empty()) return fault;
  // systemd hands sockets over as blocking ones unless the unit says NonBlocking=yes.
  (void)::fcntl(descriptor.get(), F_SETFL, ::fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK);
  (void)::fcntl(descriptor.get(), F_SETFD, FD_CLOEXEC);
  const auto at = net::SocketAddress::local_of(descriptor.get());
  sockets_.push_back({std::move(descriptor), at, lent, false});
  return {};
}

boost::system::result<InheritedSockets::Found, net::error_code> InheritedSockets::take(
    const net::SocketAddress& at) {
  Found found;
  for (auto& socket : sockets_) {
    if (!(socket.at == at)) continue;
    socket.taken = true;
    found.lent = found.lent || socket.lent;
    if (!socket.lent) {
      found.sockets.push_back(std::move(socket.descriptor));
      continue;
    }
    net::UniqueFd copy(::fcntl(socket.descriptor.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return net::make_error(errno);
    found.sockets.push_back(std::move(copy));
  }
  std::erase_if(sockets_, [](const Socket& socket) { return !socket.descriptor; });
  return found;
}

bool InheritedSockets::take_ipv4(const net::SocketAddress& at) const {
  return at.family() == AF_INET && std::any_of(sockets_.begin(), sockets_.end(), [&](const Socket& socket) {
           return socket.at.family() == AF_INET6 && socket.at.port() == at.port() &&
                  socket.at.host() == "::" && option(socket.descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
         });
}

std::vector<std::string> InheritedSockets::close_unclaimed() {
  std::vector<std::string> names;
  for (const auto& socket : sockets_)
    if (!socket.taken) names.push_back(socket.at.text());
  std::erase_if(sockets_, [](const Socket& socket) { return !socket.taken; });
  return names;
}

}  // namespace tidegate::gateway
