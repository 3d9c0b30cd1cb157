#include "wire/net/proxy_header.hpp"

#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/wire/http/splits.hpp"

using namespace tidegate::net;
using namespace std::string_literals;

namespace {

const std::string kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

std::string number_16(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

// Version 2 with any bytes behind its first sixteen.
std::string binary(char command, char family, const std::string& rest) {
  return kSignature + command + family + number_16(rest.size()) + rest;
}

const std::string kV4Block = "\x0a\x01\x02\x03\xc0\x00\x02\x01"s + number_16(4711) + number_16(443);
const std::string kV6Block = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s +
                             "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02"s + number_16(1) + number_16(2);

std::string extension(char type, const std::string& value) {
  return type + number_16(value.size()) + value;
}

// The header with its CRC32c put into the four bytes behind the last extension's type and length.
std::string with_checksum(const std::string& extensions_before, const std::string& extensions_after) {
  auto header =
      binary('\x21', '\x11',
             kV4Block + extensions_before + extension('\x03', std::string(4, '\0')) + extensions_after);
  const auto at = 16 + kV4Block.size() + extensions_before.size() + 3;
  const auto sum = crc32c(header);
  for (std::size_t i = 0; i < 4; ++i) header[at + i] = static_cast<char>(sum >> (24 - 8 * i) & 0xff);
  return header;
}

// `10.1.2.3:4711 > 192.0.2.1:443`, `own addresses`, or the fault.
struct Outcome {
  std::string text;
  std::size_t size = 0;
};

std::string text_of(const std::optional<SocketAddress>& address) {
  return address ? address->text() : "?";
}

// Gives the parser what has come so far, after each piece.
Outcome parse(const std::vector<std::string_view>& pieces) {
  std::string seen;
  for (const auto piece : pieces) {
    seen += piece;
    ProxyHeader header;
    auto error = ProxyHeaderError::none;
    // A copy of the exact size: the sanitizer sees a read behind it.
    const std::vector<char> exact(seen.begin(), seen.end());
    switch (parse_proxy_header({exact.data(), exact.size()}, header, error)) {
      case ProxyHeaderProgress::partial: continue;
      case ProxyHeaderProgress::failed: return {std::string(describe(error)), 0};
      case ProxyHeaderProgress::complete:
        if (!header.source) return {"own addresses", header.size};
        return {text_of(header.source) + " > " + text_of(header.destination), header.size};
    }
  }
  return {"partial", 0};
}

struct Case {
  std::string name;
  std::string bytes;
  std::string expected;
};

const std::string kBadLine{describe(ProxyHeaderError::bad_line)};

std::vector<Case> lines() {
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'f') + "\r\n";
  return {
      {"the specification's example", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
       "192.168.0.1:56324 > 192.168.0.11:443"},
      {"the longest of IPv4", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
       "255.255.255.255:65535 > 255.255.255.255:65535"},
      {"IPv6", "PROXY TCP6 2001:db8::1 ::1 1 0\r\n", "[2001:db8::1]:1 > [::1]:0"},
      {"IPv6 in upper case",
       "PROXY TCP6 FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFE FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFE 65535 "
       "65535\r\n",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535 > [ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535"},
      {"unknown", "PROXY UNKNOWN\r\n", "own addresses"},
      {"unknown with anything", "PROXY UNKNOWN ffff::1 what ever\r\n", "own addresses"},
      {"the longest line", longest, "own addresses"},
      {"one byte more", "PROXY UNKNOWN " + std::string(92, 'f') + "\r\n", kBadLine},
      {"never an end", "PROXY UNKNOWN " + std::string(500, 'f'), kBadLine},
      {"a lone LF", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n", kBadLine},
      {"a lone CR", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\rx", kBadLine},
      {"a CR within", "PROXY UNKNOWN \rx\r\n", kBadLine},
      {"two spaces", "PROXY TCP4  10.0.0.1 10.0.0.2 1 2\r\n", kBadLine},
      {"a space at the end", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2 \r\n", kBadLine},
      {"a tab", "PROXY TCP4\t10.0.0.1 10.0.0.2 1 2\r\n", kBadLine},
      {"a word missing", "PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", kBadLine},
      {"a word more", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n", kBadLine},
      {"nothing but the protocol", "PROXY TCP4\r\n", kBadLine},
      {"no protocol", "PROXY \r\n", kBadLine},
      {"another protocol", "PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n", kBadLine},
      {"a longer word", "PROXY UNKNOWNS\r\n", kBadLine},
      {"the wrong family", "PROXY TCP4 ::1 ::2 1 2\r\n", kBadLine},
      {"the wrong family, the other way", "PROXY TCP6 10.0.0.1 10.0.0.2 1 2\r\n", kBadLine},
      {"a name", "PROXY TCP4 localhost 10.0.0.2 1 2\r\n", kBadLine},
      {"an octal address", "PROXY TCP4 010.0.0.1 10.0.0.2 1 2\r\n", kBadLine},
      {"a zero byte in an address", "PROXY TCP4 10.0.0.1\0 10.0.0.2 1 2\r\n"s, kBadLine},
      {"a port too large", "PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n", kBadLine},
      {"a port with a zero before", "PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n", kBadLine},
      {"a negative port", "PROXY TCP4 10.0.0.1 10.0.0.2 -1 2\r\n", kBadLine},
      {"in lower case", "proxy TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
       std::string(describe(ProxyHeaderError::not_a_header))},
      {"a request", "GET / HTTP/1.1\r\n\r\n", std::string(describe(ProxyHeaderError::not_a_header))},
      {"a request that begins with P", "POST / HTTP/1.1\r\n",
       std::string(describe(ProxyHeaderError::not_a_header))},
      {"a TLS hello", "\x16\x03\x01\x02"s, std::string(describe(ProxyHeaderError::not_a_header))},
      {"half of it", "PROXY TCP4 10.0.0.1 10.", "partial"},
      {"a CR as the last byte", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r", "partial"},
  };
}

std::vector<Case> binaries() {
  const auto text = [](ProxyHeaderError error) { return std::string(describe(error)); };
  const std::string v4 = "10.1.2.3:4711 > 192.0.2.1:443";
  auto flipped = with_checksum("", "");
  flipped[16] = '\x0b';
  auto doubled = with_checksum(extension('\x03', "abcd"), "");
  return {
      {"IPv4", binary('\x21', '\x11', kV4Block), v4},
      {"IPv6", binary('\x21', '\x21', kV6Block), "[2001:db8::1]:1 > [fd00::2]:2"},
      {"a Unix socket",
       binary('\x21', '\x31', "/run/a" + std::string(102, '\0') + "/run/b" + std::string(102, '\0')),
       "unix:/run/a > unix:/run/b"},
      {"a Unix socket without names", binary('\x21', '\x31', std::string(216, '\0')), "unix:@ > unix:@"},
      {"a Unix path that fills its room", binary('\x21', '\x31', std::string(216, 'x')),
       "unix:" + std::string(107, 'x') + " > unix:" + std::string(107, 'x')},
      {"LOCAL", binary('\x20', '\0', ""), "own addresses"},
      {"LOCAL with addresses", binary('\x20', '\x11', kV4Block), "own addresses"},
      {"LOCAL with a family that is not assigned", binary('\x20', '\xff', "abc"), "own addresses"},
      {"unspecified", binary('\x21', '\0', ""), "own addresses"},
      {"unspecified with bytes", binary('\x21', '\0', "what ever"), "own addresses"},
      {"a datagram", binary('\x21', '\x12', kV4Block), "own addresses"},
      {"an unspecified transport", binary('\x21', '\x10', kV4Block), "own addresses"},
      {"extensions",
       binary('\x21', '\x11', kV4Block + extension('\x02', "a.example") + extension('\x04', "")), v4},
      {"the largest extension",
       binary('\x21', '\x11', kV4Block + extension('\x04', std::string(4096 - 31, 'x'))), v4},
      {"a checksum", with_checksum("", ""), v4},
      {"a checksum between others", with_checksum(extension('\x01', "h2"), extension('\x20', "abcde")), v4},
      {"a wrong checksum", flipped, text(ProxyHeaderError::wrong_checksum)},
      {"a short checksum", binary('\x21', '\x11', kV4Block + extension('\x03', "abc")),
       text(ProxyHeaderError::bad_extension)},
      {"two checksums", doubled, text(ProxyHeaderError::bad_extension)},
      {"too long", binary('\x21', '\x11', kV4Block + extension('\x04', std::string(4096 - 30, 'x'))),
       text(ProxyHeaderError::too_long)},
      {"an extension beyond the end", binary('\x21', '\x11', kV4Block + "\x04\x00\x09 short"s),
       text(ProxyHeaderError::bad_extension)},
      {"half an extension", binary('\x21', '\x11', kV4Block + "\x04\x00"s),
       text(ProxyHeaderError::bad_extension)},
      {"too short for IPv4", binary('\x21', '\x11', kV4Block.substr(1)), text(ProxyHeaderError::bad_length)},
      {"too short for IPv6", binary('\x21', '\x21', kV4Block), text(ProxyHeaderError::bad_length)},
      {"too short for Unix", binary('\x21', '\x31', std::string(215, 'x')),
       text(ProxyHeaderError::bad_length)},
      {"another version", binary('\x11', '\x11', kV4Block), text(ProxyHeaderError::bad_version)},
      {"another command", binary('\x22', '\x11', kV4Block), text(ProxyHeaderError::bad_version)},
      {"another family", binary('\x21', '\x41', kV4Block), text(ProxyHeaderError::bad_family)},
      {"another transport", binary('\x21', '\x13', kV4Block), text(ProxyHeaderError::bad_family)},
      {"a torn signature", kSignature.substr(0, 11) + "x", text(ProxyHeaderError::not_a_header)},
      {"an empty line before a request", "\r\nGET / HTTP/1.1\r\n", text(ProxyHeaderError::not_a_header)},
      {"half of it", binary('\x21', '\x11', kV4Block).substr(0, 20), "partial"},
  };
}

void check(const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    CAPTURE(one.name);
    const bool good = one.expected.find(" > ") != std::string::npos || one.expected == "own addresses";
    for (const auto& split : tidegate::tests::splits_of(one.bytes)) {
      CAPTURE(split.name);
      const auto outcome = parse(split.pieces);
      CHECK(outcome.text == one.expected);
      if (good) CHECK(outcome.size == one.bytes.size());
    }
    if (!good) continue;
    // What follows is the client's, whatever it is.
    const auto followed = one.bytes + "PROXY GET / \r\n\r\n";
    const auto outcome = parse({followed});
    CHECK(outcome.text == one.expected);
    CHECK(outcome.size == one.bytes.size());
  }
}

std::string written(ProxyVersion version, const SocketAddress& source, const SocketAddress& destination) {
  std::string out;
  append_proxy_header(out, version, source, destination);
  return out;
}

SocketAddress ip(std::string_view host, std::uint16_t port) {
  return *SocketAddress::from_ip(host, port);
}

}  // namespace

TEST_CASE("the line of PROXY protocol version 1 is read, however it arrives") {
  check(lines());
}

TEST_CASE("the header of PROXY protocol version 2 is read, however it arrives") {
  check(binaries());
}

TEST_CASE("random bytes behind the signature never read beyond what came") {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = i % 2 == 0 ? kSignature : std::string("PROXY ");
    if (i % 2 == 0) bytes += {'\x21', static_cast<char>(0x11 + 0x10 * (i % 3)), '\0'};
    for (auto left = random() % 300; left > 0; --left) bytes.push_back(static_cast<char>(random() & 0xff));
    const auto outcome = parse({bytes});
    CHECK(outcome.size <= bytes.size());
  }
}

TEST_CASE("what is written is read again") {
  struct Ends {
    SocketAddress source;
    SocketAddress destination;
    std::string expected;
  };
  const std::vector<Ends> cases{
      {ip("10.0.0.1", 4711), ip("192.0.2.1", 443), "10.0.0.1:4711 > 192.0.2.1:443"},
      {ip("2001:db8::1", 0), ip("::1", 65535), "[2001:db8::1]:0 > [::1]:65535"},
      {ip("::ffff:10.0.0.1", 1), ip("192.0.2.1", 2), "10.0.0.1:1 > 192.0.2.1:2"},
      {ip("10.0.0.1", 1), *SocketAddress::from_path("/run/a"), "10.0.0.1:1 > 0.0.0.0:0"},
      {ip("2001:db8::1", 1), {}, "[2001:db8::1]:1 > [::]:0"},
      {*SocketAddress::from_path("/run/a"), ip("::1", 1), "own addresses"},
      {{}, {}, "own addresses"},
  };
  for (const auto& one : cases) {
    for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
      const auto bytes = written(version, one.source, one.destination);
      CAPTURE(bytes);
      const auto outcome = parse({bytes});
      CHECK(outcome.text == one.expected);
      CHECK(outcome.size == bytes.size());
    }
  }
  // Of two families both become the larger.
  const auto mixed = written(ProxyVersion::v2, ip("2001:db8::1", 5), ip("192.0.2.1", 6));
  CHECK(mixed.substr(12, 4) == "\x21\x21\x00\x24"s);
  CHECK(mixed.substr(16 + 16, 16) == "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"s);
  CHECK(written(ProxyVersion::v1, ip("2001:db8::1", 5), ip("192.0.2.1", 6)) ==
        "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 5 6\r\n");
}

TEST_CASE("a connection of one's own is LOCAL, or its own ends in version 1") {
  std::string out;
  append_local_proxy_header(out, ProxyVersion::v2, ip("10.0.0.1", 1), ip("10.0.0.2", 2));
  CHECK(out == kSignature + "\x20\x00\x00\x00"s);
  out.clear();
  append_local_proxy_header(out, ProxyVersion::v1, ip("10.0.0.1", 1), ip("10.0.0.2", 2));
  CHECK(out == "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n");
}

TEST_CASE("CRC32c of the values its specifications give") {
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);  // RFC 3720 B.4
  CHECK(crc32c("6789", crc32c("12345")) == 0xe3069283);
  CHECK(crc32c("") == 0);
}
