// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): what a balancer that only passes
// bytes on says of the connection it passes, before the first of these bytes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/net/socket_address.hpp"

namespace tidegate::net {

// The two ends of the connection as the sender sees it. Both are empty where the header names none that this
// program knows (LOCAL, UNKNOWN, a datagram): then the addresses of the connection itself hold. A Unix
// address without a name is an empty `SocketAddress` of that family.
struct ProxyHeader {
  std::optional<SocketAddress> source;
  std::optional<SocketAddress> destination;
  std::size_t size = 0;  // bytes of the header; what follows belongs to the client
};

enum class ProxyHeaderError : std::uint8_t {
  none,
  not_a_header,    // neither version's signature
  bad_line,        // version 1: not exactly what the specification says, or no end within 107 bytes
  bad_version,     // version 2: another version, or an unknown command
  bad_family,      // an address family or transport that is not assigned
  bad_length,      // too short for its addresses
  bad_extension,   // a TLV reaches beyond the header, or the checksum is not 4 bytes long or there twice
  wrong_checksum,  // CRC32c does not match
  too_long,        // more than `kLongestProxyHeader`
};
// For people; empty for `none`.
[[nodiscard]] std::string_view describe(ProxyHeaderError error);

// The specification's headers fit into 536 bytes; extensions (certificates in TLVs) may be longer.
inline constexpr std::size_t kLongestProxyHeader = 4096;

enum class ProxyHeaderProgress : std::uint8_t { partial, complete, failed };

// Looks at the first bytes of a connection, all that have come so far: once `complete`, `header` is filled
// and owns what it says. A fault is found as early as the bytes show it; nothing is believed before the whole
// header is there. Extensions (TLVs) are passed over, but a CRC32c among them is verified.
[[nodiscard]] ProxyHeaderProgress parse_proxy_header(std::string_view bytes, ProxyHeader& header,
                                                     ProxyHeaderError& error);

enum class ProxyVersion : std::uint8_t { v1, v2 };

// Appends the header for a connection from `source` to `destination`, both IP addresses. Where they are of
// different families both are written as IPv6. An end that is not an IP address (a Unix socket) is written as
// the unspecified address; without a source nothing is known, which is UNKNOWN in version 1 and LOCAL in 2.
void append_proxy_header(std::string& out, ProxyVersion version, const SocketAddress& source,
                         const SocketAddress& destination);
// For a connection of the gateway's own, such as a probe's: LOCAL. Version 1 knows no such thing and gets the
// ends of the connection itself, as the specification advises.
void append_local_proxy_header(std::string& out, ProxyVersion version, const SocketAddress& source,
                               const SocketAddress& destination);

// CRC32c (RFC 4960 appendix B) of `bytes`, begun with what this returned for the bytes before them, 0 at the
// start.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace tidegate::net
