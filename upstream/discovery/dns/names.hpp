// Domain names as text: what is asked for a name that is not absolute, and what a name of Kubernetes means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::upstream::dns {

// What resolv.conf(5) says. Its `timeout`, `attempts` and other options are not taken: the configuration has
// its own.
struct ResolvConf {
  std::vector<std::string> servers;  // IP addresses, at most three as in glibc
  std::vector<std::string> search;   // domains without final dot
  int ndots = 1;                     // 0 to 15
  bool operator==(const ResolvConf&) const = default;
};

// Reads its text. Without a `search` or `domain` line the search list is the domain of `host_name`, without
// servers it is the one on this machine. Lines that make no sense are passed over, as glibc does, and so are
// link-local servers with a scope (`fe80::1%eth0`), which Debian 12's c-ares cannot ask.
[[nodiscard]] ResolvConf parse_resolv_conf(std::string_view text, std::string_view host_name);

// The absolute names, without final dot, that are asked for `name` in this order: with a final dot only
// itself; with at least `ndots` dots first itself, else itself last (resolv.conf(5)). Those that are too long
// for the DNS are left out. Letters become small. `localhost` is not completed.
[[nodiscard]] std::vector<std::string> search_names(std::string_view name,
                                                    const std::vector<std::string>& search, int ndots);

// Whether this is `localhost` or below it, with or without final dot: no server is asked for it (RFC
// 6761 6.3).
[[nodiscard]] bool is_local_host(std::string_view name);

// Whether this is the name of a Service itself in a Kubernetes cluster, SERVICE.NAMESPACE.svc.DOMAIN, and not
// of a pod below it. `name` is absolute.
[[nodiscard]] bool is_service_name(std::string_view name);

// The name that has the PTR record of an IP literal: `7.3.0.10.in-addr.arpa`; "" if it is none.
[[nodiscard]] std::string reverse_name(std::string_view address);

}  // namespace tidegate::upstream::dns
