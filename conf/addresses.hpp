// Addresses, networks and host names as they are written in configurations: pure syntax, nothing is resolved.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

// An address to listen on: `0.0.0.0:80`, `[::]:443`, `unix:/run/tidegate.sock`, `unix:@abstract`; never a
// name, because which address a name means can change between two starts. `:80` means every address of both
// families and gives two results, `0.0.0.0:80` and `[::]:80`. Port 0 lets the kernel choose.
[[nodiscard]] Parsed<std::vector<Address>> parse_listen_address(std::string_view text);

// An address to connect to: as above, host names allowed, port 0 and `:80` not.
[[nodiscard]] Parsed<Address> parse_endpoint_address(std::string_view text);

// Whether nobody can listen on one beside the other though they are not equal: they have one port, and one of
// them stands for every address of the other's family (`0.0.0.0:80` and `10.0.0.1:80`).
[[nodiscard]] bool overlaps(const Address& a, const Address& b);
// `[::]:80`, which is every address of IPv6, and of IPv4 too where a socket is not kept from that.
[[nodiscard]] bool is_any_ipv6(const Address& address);

// A network for `trustedProxies`: `10.0.0.0/8`, `fd00::/8`, or a single address. Bits behind the prefix must
// be zero. The result is the canonical spelling with its prefix length.
[[nodiscard]] Parsed<std::string> parse_network(std::string_view text);

// The same, or `unix:` for whoever comes by a Unix socket.
[[nodiscard]] Parsed<std::string> parse_peers(std::string_view text);

// Whether this is a DNS name (RFC 1123 in either case, and `_`, which service names carry), without a final
// dot.
[[nodiscard]] bool is_dns_name(std::string_view text);

// Whether this is an IP address without brackets and zone.
[[nodiscard]] bool is_ip_address(std::string_view text);

// A name server: an IP address with its port, or without where that is 53. The result has the port, as
// `10.0.0.1:53` or `[::1]:53`.
[[nodiscard]] Parsed<std::string> parse_name_server(std::string_view text);

// A host of a route: an exact name or address, or `*.example.com`. The result is in lower case without a
// trailing dot.
[[nodiscard]] Parsed<std::string> parse_route_host(std::string_view text);

}  // namespace tidegate::conf
