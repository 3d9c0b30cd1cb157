#include "wire/net/connection_options.hpp"

#include <algorithm>
#include <limits>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace tidegate::net {

std::chrono::milliseconds unacknowledged_time(const ConnectionOptions& options) {
  // The kernel refuses what does not fit an int: 24 days are as good as for ever.
  constexpr std::chrono::milliseconds most{std::numeric_limits<int>::max()};
  const std::chrono::milliseconds silent = options.idle + options.interval * options.probes;
  return std::min(std::max(silent, options.stall), most);
}

void set_connection_options(int socket, const ConnectionOptions& options) {
  const auto set = [&](int level, int option, auto value) {
    const auto number = static_cast<int>(value);
    ::setsockopt(socket, level, option, &number, sizeof number);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, options.idle.count());
  set(IPPROTO_TCP, TCP_KEEPINTVL, options.interval.count());
  set(IPPROTO_TCP, TCP_KEEPCNT, options.probes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_time(options).count());
}

}  // namespace tidegate::net
