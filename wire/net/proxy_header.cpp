#include "wire/net/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace tidegate::net {
namespace {

using Progress = ProxyHeaderProgress;
using Error = ProxyHeaderError;

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::string_view kWord = "PROXY ";
constexpr std::size_t kLongestLine = 107;
constexpr std::size_t kPrologue = 16;  // of version 2: signature, version and command, family, length
constexpr std::size_t kUnixPath = 108;
constexpr char kChecksumType = 0x03;

// In the order of the family's four bits.
enum class Family : std::uint8_t { unspecified, ip_v4, ip_v6, unix_path };

std::uint16_t read_16(std::string_view bytes) {
  const auto high = static_cast<unsigned char>(bytes[0]);
  return static_cast<std::uint16_t>(high << 8 | static_cast<unsigned char>(bytes[1]));
}

std::uint32_t read_32(std::string_view bytes) {
  return std::uint32_t{read_16(bytes)} << 16 | read_16(bytes.substr(2));
}

Progress fail(Error& error, Error why) {
  error = why;
  return Progress::failed;
}

// `bytes` begin like `prefix`, as far as both reach.
bool agrees(std::string_view bytes, std::string_view prefix) {
  const auto size = std::min(bytes.size(), prefix.size());
  return bytes.substr(0, size) == prefix.substr(0, size);
}

// === version 1 ===

// Cuts the text up to the next space, or the rest, off the front.
std::string_view take_word(std::string_view& line) {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (text.empty() || leading_zero || fault != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return port;
}

// inet_pton is as strict as the specification for IPv4; for IPv6 it also takes a dotted tail, which some
// senders write for IPv4-mapped addresses.
std::optional<SocketAddress> read_end(int family, std::string_view host, std::string_view port) {
  const auto number = read_port(port);
  if (!number) return std::nullopt;
  auto address = SocketAddress::from_ip(host, *number);
  if (!address || address->family() != family) return std::nullopt;
  return address;
}

Progress parse_line(std::string_view bytes, ProxyHeader& header, Error& error) {
  const auto end = bytes.substr(0, kLongestLine).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kLongestLine) return fail(error, Error::bad_line);
    // A CR or LF that is no line's end will never become one.
    const auto odd = bytes.find_first_of("\r\n");
    const bool torn = odd != std::string_view::npos && (bytes[odd] == '\n' || odd + 1 != bytes.size());
    return torn ? fail(error, Error::bad_line) : Progress::partial;
  }
  auto line = bytes.substr(kWord.size(), end - kWord.size());
  if (line.find_first_of("\r\n") != std::string_view::npos) return fail(error, Error::bad_line);
  header.size = end + 2;
  const auto protocol = take_word(line);
  if (protocol == "UNKNOWN") return Progress::complete;  // whatever else the line says
  if (protocol != "TCP4" && protocol != "TCP6") return fail(error, Error::bad_line);
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  // Exactly four words with one space between them, and none behind the last.
  if (std::count(line.begin(), line.end(), ' ') != 3) return fail(error, Error::bad_line);
  const auto from = take_word(line);
  const auto to = take_word(line);
  const auto from_port = take_word(line);
  header.source = read_end(family, from, from_port);
  header.destination = read_end(family, to, line);
  if (!header.source || !header.destination) return fail(error, Error::bad_line);
  return Progress::complete;
}

// === version 2 ===

template <class Address>
SocketAddress inet_address(Address address) {
  return *SocketAddress::from_kernel(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

SocketAddress read_v4(std::string_view host, std::string_view port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::memcpy(&address.sin_addr, host.data(), sizeof address.sin_addr);
  std::memcpy(&address.sin_port, port.data(), sizeof address.sin_port);
  return inet_address(address);
}

SocketAddress read_v6(std::string_view host, std::string_view port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, host.data(), sizeof address.sin6_addr);
  std::memcpy(&address.sin6_port, port.data(), sizeof address.sin6_port);
  return inet_address(address);
}

// The path ends at its first zero; an abstract name begins with one and is of no use to anybody here.
SocketAddress read_unix(std::string_view path) {
  const auto named = SocketAddress::from_path(path.substr(0, std::min(path.find('\0'), kUnixPath - 1)));
  return named ? *named : *SocketAddress::from_path("@");
}

std::size_t addresses_size(Family family) {
  switch (family) {
    case Family::unspecified: return 0;
    case Family::ip_v4: return 12;
    case Family::ip_v6: return 36;
    case Family::unix_path: return 2 * kUnixPath;
  }
  return 0;
}

void read_addresses(Family family, std::string_view block, ProxyHeader& header) {
  switch (family) {
    case Family::unspecified: return;
    case Family::ip_v4:
      header.source = read_v4(block, block.substr(8));
      header.destination = read_v4(block.substr(4), block.substr(10));
      return;
    case Family::ip_v6:
      header.source = read_v6(block, block.substr(32));
      header.destination = read_v6(block.substr(16), block.substr(34));
      return;
    case Family::unix_path:
      header.source = read_unix(block.substr(0, kUnixPath));
      header.destination = read_unix(block.substr(kUnixPath, kUnixPath));
      return;
  }
}

// Walks the TLVs of `whole` from `at` on: all must lie within the header, and a checksum must be right.
Error check_extensions(std::string_view whole, std::size_t at) {
  std::size_t checksum_at = 0;
  while (at < whole.size()) {
    if (whole.size() - at < 3) return Error::bad_extension;
    const std::size_t length = read_16(whole.substr(at + 1));
    if (whole.size() - at - 3 < length) return Error::bad_extension;
    if (whole[at] == kChecksumType) {
      if (length != 4 || checksum_at != 0) return Error::bad_extension;
      checksum_at = at + 3;
    }
    at += 3 + length;
  }
  if (checksum_at == 0) return Error::none;
  constexpr std::string_view zeros{"\0\0\0\0", 4};
  auto sum = crc32c(whole.substr(0, checksum_at));
  sum = crc32c(zeros, sum);
  sum = crc32c(whole.substr(checksum_at + 4), sum);
  return sum == read_32(whole.substr(checksum_at)) ? Error::none : Error::wrong_checksum;
}

Progress parse_binary(std::string_view bytes, ProxyHeader& header, Error& error) {
  if (bytes.size() > 12) {
    const auto version_and_command = static_cast<unsigned char>(bytes[12]);
    if (version_and_command != 0x20 && version_and_command != 0x21) return fail(error, Error::bad_version);
  }
  if (bytes.size() < kPrologue) return Progress::partial;
  const bool local = bytes[12] == 0x20;
  const auto kind = static_cast<unsigned char>(bytes[13]);
  const std::size_t length = read_16(bytes.substr(14));
  const std::size_t size = kPrologue + length;
  const unsigned transport = kind & 0x0fU;
  // LOCAL: the family is to be ignored, the length is not.
  if (!local && (kind >> 4 > 3 || transport > 2)) return fail(error, Error::bad_family);
  const auto family = static_cast<Family>(kind >> 4);
  if (size > kLongestProxyHeader) return fail(error, Error::too_long);
  if (!local && length < addresses_size(family)) return fail(error, Error::bad_length);
  if (bytes.size() < size) return Progress::partial;
  header.size = size;
  if (local) return Progress::complete;
  // Behind an unspecified family nobody knows where addresses end and extensions begin.
  if (family == Family::unspecified) return Progress::complete;
  error = check_extensions(bytes.substr(0, size), kPrologue + addresses_size(family));
  if (error != Error::none) return Progress::failed;
  const bool stream = transport == 1;
  if (stream) read_addresses(family, bytes.substr(kPrologue), header);
  return Progress::complete;
}

// === writing ===

bool is_inet(const SocketAddress& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

// The 16 bytes of an IPv6 address; IPv4 as mapped.
std::array<char, 16> bytes_of(const SocketAddress& address) {
  std::array<char, 16> bytes{};
  if (address.family() == AF_INET6) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr, 16);
  } else {
    bytes[10] = bytes[11] = '\xff';
    std::memcpy(bytes.data() + 12, &reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr, 4);
  }
  return bytes;
}

bool is_mapped(const std::array<char, 16>& bytes) {
  constexpr std::string_view prefix{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};
  return std::string_view(bytes.data(), prefix.size()) == prefix;
}

struct Ends {
  std::array<char, 16> source;
  std::array<char, 16> destination;
  std::uint16_t source_port;
  std::uint16_t destination_port;
  bool v4;  // both are IPv4 addresses: the last four bytes count
};

Ends ends_of(const SocketAddress& source, const SocketAddress& destination) {
  Ends ends{bytes_of(source), {}, source.port(), 0, false};
  const bool source_v4 = is_mapped(ends.source);
  if (is_inet(destination)) {
    ends.destination = bytes_of(destination);
    ends.destination_port = destination.port();
    ends.v4 = source_v4 && is_mapped(ends.destination);
  } else {
    ends.v4 = source_v4;
    if (source_v4) ends.destination[10] = ends.destination[11] = '\xff';
  }
  return ends;
}

void append_host(std::string& out, const Ends& ends, const std::array<char, 16>& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* const address = bytes.data() + (ends.v4 ? 12 : 0);
  out.append(::inet_ntop(ends.v4 ? AF_INET : AF_INET6, address, text.data(), text.size()));
}

void append_line(std::string& out, const Ends& ends) {
  out.append(ends.v4 ? "PROXY TCP4 " : "PROXY TCP6 ");
  append_host(out, ends, ends.source);
  out.push_back(' ');
  append_host(out, ends, ends.destination);
  out.append(" ").append(std::to_string(ends.source_port));
  out.append(" ").append(std::to_string(ends.destination_port)).append("\r\n");
}

void append_16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

void append_binary(std::string& out, const Ends& ends) {
  out.append(kSignature);
  out.push_back('\x21');
  out.push_back(ends.v4 ? '\x11' : '\x21');
  append_16(out, static_cast<std::uint16_t>(addresses_size(ends.v4 ? Family::ip_v4 : Family::ip_v6)));
  const std::size_t skipped = ends.v4 ? 12 : 0;
  out.append(ends.source.data() + skipped, 16 - skipped);
  out.append(ends.destination.data() + skipped, 16 - skipped);
  append_16(out, ends.source_port);
  append_16(out, ends.destination_port);
}

void append_local(std::string& out) {
  out.append(kSignature).append(std::string_view("\x20\0\0\0", 4));
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  constexpr std::uint32_t polynomial = 0x82f63b78;  // Castagnoli's, bits reversed
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    table[i] = value;
  }
  return table;
}

constexpr auto kCrcTable = make_crc_table();

}  // namespace

std::string_view describe(ProxyHeaderError error) {
  switch (error) {
    case Error::none: return "";
    case Error::not_a_header: return "the first bytes are no PROXY protocol header";
    case Error::bad_line: return "the line of PROXY protocol version 1 is malformed";
    case Error::bad_version: return "the version or command of the PROXY protocol is not known";
    case Error::bad_family: return "the address family of the PROXY protocol header is not known";
    case Error::bad_length: return "the PROXY protocol header is too short for its addresses";
    case Error::bad_extension: return "an extension of the PROXY protocol header is malformed";
    case Error::wrong_checksum: return "the checksum of the PROXY protocol header is wrong";
    case Error::too_long: return "the PROXY protocol header is too long";
  }
  return "";
}

ProxyHeaderProgress parse_proxy_header(std::string_view bytes, ProxyHeader& header, ProxyHeaderError& error) {
  header = {};
  error = Error::none;
  if (bytes.empty()) return Progress::partial;
  if (bytes.front() == kWord.front()) {
    if (!agrees(bytes, kWord)) return fail(error, Error::not_a_header);
    return bytes.size() < kWord.size() ? Progress::partial : parse_line(bytes, header, error);
  }
  if (!agrees(bytes, kSignature)) return fail(error, Error::not_a_header);
  return parse_binary(bytes, header, error);
}

void append_proxy_header(std::string& out, ProxyVersion version, const SocketAddress& source,
                         const SocketAddress& destination) {
  if (!is_inet(source)) {
    if (version == ProxyVersion::v1) {
      out.append("PROXY UNKNOWN\r\n");
    } else {
      append_local(out);
    }
    return;
  }
  const auto ends = ends_of(source, destination);
  version == ProxyVersion::v1 ? append_line(out, ends) : append_binary(out, ends);
}

void append_local_proxy_header(std::string& out, ProxyVersion version, const SocketAddress& source,
                               const SocketAddress& destination) {
  if (version == ProxyVersion::v2) return append_local(out);
  append_proxy_header(out, version, source, destination);
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  std::uint32_t value = ~before;
  for (const char c : bytes) value = (value >> 8) ^ kCrcTable[(value ^ static_cast<unsigned char>(c)) & 0xff];
  return ~value;
}

}  // namespace tidegate::net
