#include "wire/net/kernel_tls.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/opensslconf.h>
#include <sys/socket.h>

#include "wire/net/unique_fd.hpp"

namespace tidegate::net {

std::string kernel_tls_fault() {
#ifdef OPENSSL_NO_KTLS
  return "OpenSSL is built without it";
#else
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::string("no socket to ask by: ") + std::strerror(errno);
  constexpr std::string_view name = "tls";
  // A socket that is not connected is refused with ENOTCONN by a kernel that has it, with ENOENT by one that
  // has not.
  if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_ULP, name.data(), name.size()) == 0 || errno == ENOTCONN)
    return {};
  if (errno == ENOENT) return "the kernel has no TLS; `modprobe tls` loads it where CONFIG_TLS was built";
  return std::string("the kernel refuses it: ") + std::strerror(errno);
#endif
}

}  // namespace tidegate::net
