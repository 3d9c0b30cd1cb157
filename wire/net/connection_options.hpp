// What every TCP connection here has besides no Nagle delay: the means by which the kernel notices a peer
// that vanished without FIN or RST (a host that lost its power or its network).
#pragma once

#include <chrono>

namespace tidegate::net {

struct ConnectionOptions {
  // Keepalive (tcp(7)): a peer that has been silent for `idle` is probed every `interval` and given up after
  // `probes` of them. The kernel takes 1 to 32767 s and 1 to 127 probes.
  std::chrono::seconds idle{60};
  std::chrono::seconds interval{10};
  int probes = 6;
  // The longest time that something else here bears a peer that takes no bytes: it is not given up earlier.
  std::chrono::milliseconds stall{0};
};

// TCP_USER_TIMEOUT: for how long a peer may leave bytes unacknowledged. Keepalive is silent while bytes are
// in flight, and their retransmission goes on for about 15 minutes (net.ipv4.tcp_retries2): a vanished peer
// to which a message is on its way would be held for that long. So it gets as long as a silent one,
// `idle + interval * probes`, but never less than `stall`, because
// - it also ends a peer that lives and keeps its window at zero for that long;
// - where it is set the kernel heeds it instead of the number of probes, for a silent peer too;
// - it bounds the connect.
[[nodiscard]] std::chrono::milliseconds unacknowledged_time(const ConnectionOptions& options);

// Sets them on a TCP socket. On a listening socket they hold for every connection accepted from it: Linux
// hands them on, which spares the calls for each.
void set_connection_options(int socket, const ConnectionOptions& options);

}  // namespace tidegate::net
