#include "conf/addresses.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "conf/spelling.hpp"

namespace tidegate::conf {

namespace {

// An IP literal in network byte order.
struct Literal {
  int family = AF_UNSPEC;
  std::array<unsigned char, 16> bytes{};

  [[nodiscard]] unsigned bits() const { return family == AF_INET ? 32 : 128; }

  [[nodiscard]] std::string text() const {
    std::array<char, INET6_ADDRSTRLEN> out{};
    return ::inet_ntop(family, bytes.data(), out.data(), out.size());
  }
};

std::optional<Literal> parse_literal(std::string_view text) {
  const std::string copy(text);  // inet_pton wants a terminated string
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  Literal literal;
  for (const int family : {AF_INET, AF_INET6}) {
    literal.family = family;
    if (::inet_pton(family, copy.c_str(), literal.bytes.data()) == 1) return literal;
  }
  return std::nullopt;
}

bool is_zero(const Literal& literal) {
  return literal.bytes == std::array<unsigned char, 16>{};
}

// A result that holds a text; written out, since a text could become its error too.
Parsed<std::string> text_result(std::string text) {
  return {boost::system::in_place_value, std::move(text)};
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// A DNS name in lower case (RFC 1123, and `_`, which service names carry). A last label of digits only would
// be a mistyped IPv4 address.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::string_view label;
  do {
    const std::size_t dot = name.find('.');
    label = name.substr(0, dot);
    if (!is_label(label)) return false;
    name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
    if (dot != std::string_view::npos && name.empty()) return false;
  } while (!name.empty());
  return !std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Parsed<Address> parse_unix(std::string_view path) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() < 2 || (path.front() != '/' && path.front() != '@')) {
    return Unreadable{"a Unix socket is written `unix:/absolute/path` or `unix:@abstract-name`, found " +
                      quote("unix:" + std::string(path))};
  }
  if (path.size() > longest) {
    return Unreadable{"the path of a Unix socket may have at most " + std::to_string(longest) +
                      " bytes, this one has " + std::to_string(path.size())};
  }
  return Address{{}, 0, std::string(path)};
}

struct HostPort {
  std::string_view host;
  std::uint16_t port = 0;
  bool bracketed = false;
};

Parsed<HostPort> split_host_port(std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    return Unreadable{"write the address alone, " + quote(text.substr(scheme + 3)) + ", without " +
                      quote(text.substr(0, scheme + 3))};
  }
  const std::size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const std::size_t bracket = text.find(']');
  if (colon == std::string_view::npos || (bracketed && bracket != colon - 1)) {
    if (parse_integer(text))
      return Unreadable{"write `:" + std::string(text) + "` to listen on a port of all addresses"};
    return Unreadable{"an address needs a port: write " + quote(std::string(text) + ":80") +
                      " with the right number"};
  }
  HostPort out{text.substr(0, colon), 0, bracketed};
  if (bracketed) out.host = text.substr(1, bracket - 1);
  if (!bracketed && out.host.find(':') != std::string_view::npos) {
    return Unreadable{"an IPv6 address is written in brackets: `[::1]:80`, found " + quote(text)};
  }
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port > 65'535) {
    return Unreadable{"a port is a number from 1 to 65535, found " + quote(text.substr(colon + 1))};
  }
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

}  // namespace

Parsed<std::vector<Address>> parse_listen_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    auto address = parse_unix(text.substr(5));
    if (!address) return address.error();
    return std::vector{*address};
  }
  if (text.starts_with('/'))
    return Unreadable{"a Unix socket is written " + quote("unix:" + std::string(text))};
  const auto split = split_host_port(text);
  if (!split) return split.error();
  if (split->host.empty() && !split->bracketed) {
    return std::vector{Address{"0.0.0.0", split->port, {}}, Address{"::", split->port, {}}};
  }
  if (split->host == "*")
    return Unreadable{"write `:" + std::to_string(split->port) + "` to listen on all addresses"};
  const auto literal = parse_literal(split->host);
  if (!literal || (literal->family == AF_INET6) != split->bracketed) {
    return Unreadable{
        "a listener needs an IP address, not a name: `0.0.0.0:80`, `[::]:80`, `:80` or `unix:/path`, "
        "found " +
        quote(text)};
  }
  return std::vector{Address{literal->text(), split->port, {}}};
}

Parsed<Address> parse_endpoint_address(std::string_view text) {
  if (text.starts_with("unix:")) return parse_unix(text.substr(5));
  const auto split = split_host_port(text);
  if (!split) return split.error();
  if (split->port == 0) return Unreadable{"an endpoint's port is a number from 1 to 65535, found `0`"};
  const auto literal = parse_literal(split->host);
  if (literal && (literal->family == AF_INET6) == split->bracketed) {
    return Address{literal->text(), split->port, {}};
  }
  std::string name = in_lower_case(split->host);
  if (name.ends_with('.')) name.pop_back();
  if (split->bracketed || !is_host_name(name)) {
    return Unreadable{quote(split->host) + " is neither an IP address nor a host name"};
  }
  return Address{std::move(name), split->port, {}};
}

bool is_dns_name(std::string_view text) {
  return is_host_name(in_lower_case(text));
}

bool is_ip_address(std::string_view text) {
  return parse_literal(text).has_value();
}

Parsed<std::string> parse_name_server(std::string_view text) {
  if (const auto literal = parse_literal(text)) return text_result(Address{literal->text(), 53, {}}.text());
  const auto split = split_host_port(text);
  if (!split || split->port == 0)
    return Unreadable{"a name server is an IP address such as `10.96.0.10` or `10.96.0.10:53`, found " +
                      quote(text)};
  const auto literal = parse_literal(split->host);
  if (!literal || (literal->family == AF_INET6) != split->bracketed) {
    return Unreadable{"a name server needs an IP address, not a name, found " + quote(text)};
  }
  return text_result(Address{literal->text(), split->port, {}}.text());
}

bool is_any_ipv6(const Address& address) {
  const auto literal = parse_literal(address.host);
  return literal && literal->family == AF_INET6 && is_zero(*literal);
}

bool overlaps(const Address& a, const Address& b) {
  if (a.is_unix() || b.is_unix() || a.port == 0 || a.port != b.port) return false;
  const auto first = parse_literal(a.host);
  const auto second = parse_literal(b.host);
  if (!first || !second || first->family != second->family) return false;
  return is_zero(*first) != is_zero(*second);
}

Parsed<std::string> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto literal = parse_literal(text.substr(0, slash));
  if (!literal)
    return Unreadable{"expected a network such as `10.0.0.0/8` or `fd00::/8`, found " + quote(text)};
  unsigned prefix = literal->bits();
  if (slash != std::string_view::npos) {
    const auto length = parse_integer(text.substr(slash + 1));
    if (!length || *length > literal->bits()) {
      return Unreadable{"the prefix length of " + quote(text) + " must be a number from 0 to " +
                        std::to_string(literal->bits())};
    }
    prefix = static_cast<unsigned>(*length);
  }
  const Literal written = *literal;
  for (unsigned bit = prefix; bit < literal->bits(); ++bit) {
    auto& byte = literal->bytes[bit / 8];
    byte = static_cast<unsigned char>(byte & ~(0x80U >> (bit % 8)));
  }
  std::string canonical = literal->text() + "/" + std::to_string(prefix);
  if (literal->bytes != written.bytes) {
    return Unreadable{quote(text) + " has bits behind its prefix: write " + quote(canonical) +
                      " for the network or " + quote(written.text()) + " for the one address"};
  }
  return text_result(std::move(canonical));
}

Parsed<std::string> parse_peers(std::string_view text) {
  if (text == "unix:" || text == "unix") return text_result("unix:");
  return parse_network(text);
}

Parsed<std::string> parse_route_host(std::string_view text) {
  std::string host = in_lower_case(text);
  if (host.ends_with('.')) host.pop_back();
  if (host == "*") return Unreadable{"leave `hosts` out to match every host"};
  if (host.starts_with('.'))
    return Unreadable{"write " + quote("*" + host) + " to match every name below it"};
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  const auto literal = parse_literal(bracketed ? std::string_view(host).substr(1, host.size() - 2) : host);
  if (literal)
    return text_result(literal->family == AF_INET6 ? "[" + literal->text() + "]" : literal->text());
  if (host.find(':') != std::string::npos) {
    return Unreadable{"write the host without a port or scheme; the port belongs to a listener, found " +
                      quote(text)};
  }
  const std::string_view name = std::string_view(host).substr(host.starts_with("*.") ? 2 : 0);
  if (!is_host_name(name)) {
    return Unreadable{"expected a host such as `socket.example.com` or `*.example.com`, found " +
                      quote(text)};
  }
  return text_result(std::move(host));
}

}  // namespace tidegate::conf
