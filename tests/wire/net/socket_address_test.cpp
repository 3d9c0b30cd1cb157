#include "wire/net/socket_address.hpp"

#include <array>
#include <new>
#include <string>

#include "tests/support/catch.hpp"

using tidegate::net::SocketAddress;

TEST_CASE("IP literals are addresses, anything else is not") {
  struct Row {
    const char* host;
    const char* text;  // nullptr: refused
  };
  const Row rows[] = {
      {"127.0.0.1", "127.0.0.1:80"},
      {"10.1.2.3", "10.1.2.3:80"},
      {"0.0.0.0", "0.0.0.0:80"},
      {"::1", "[::1]:80"},
      {"::", "[::]:80"},
      {"2001:DB8::0:1", "[2001:db8::1]:80"},
      {"::ffff:10.0.0.1", "10.0.0.1:80"},  // IPv4-mapped
      {"", nullptr},
      {"localhost", nullptr},
      {"[::1]", nullptr},
      {"127.0.0.1:80", nullptr},
      {"127.1", nullptr},
      {"0x7f.0.0.1", nullptr},
      {"256.0.0.1", nullptr},
      {"fe80::1%eth0", nullptr},
      {"1:2:3:4:5:6:7:8:9", nullptr},
      {"0000:0000:0000:0000:0000:ffff:255.255.255.255.255.255.255", nullptr},
  };
  for (const auto& row : rows) {
    CAPTURE(row.host);
    const auto address = SocketAddress::from_ip(row.host, 80);
    CHECK(address.has_value() == (row.text != nullptr));
    if (address && row.text != nullptr) {
      CHECK(address->text() == row.text);
      CHECK(address->port() == 80);
    }
  }
  CHECK_FALSE(SocketAddress::from_ip(std::string("127.0.0.1\0x", 11), 80));
}

TEST_CASE("a host is written without its port") {
  CHECK(SocketAddress::from_ip("10.0.0.1", 1)->host() == "10.0.0.1");
  CHECK(SocketAddress::from_ip("::1", 1)->host() == "::1");
  CHECK(SocketAddress::from_ip("::ffff:10.0.0.1", 1)->host() == "10.0.0.1");
  CHECK(SocketAddress::from_path("/run/a.sock")->host() == "unix:");
}

TEST_CASE("Unix addresses are paths or abstract names, as long as the kernel allows") {
  CHECK(SocketAddress::from_path("/run/a.sock")->text() == "unix:/run/a.sock");
  CHECK(SocketAddress::from_path("@name")->text() == "unix:@name");
  CHECK_FALSE(SocketAddress::from_path(""));
  CHECK(SocketAddress::from_path(std::string(107, 'a')));
  CHECK(SocketAddress::from_path(std::string(107, 'a'))->text() == "unix:" + std::string(107, 'a'));
  CHECK_FALSE(SocketAddress::from_path(std::string(108, 'a')));
  CHECK(SocketAddress::from_path("/run/a.sock")->port() == 0);
}

// Compilers make no more of a union zero than its first member, and some did leave the rest as it was: behind
// a path stood any byte instead of the zero that ends it.
TEST_CASE("an address is zeros before it is anything, whatever lay there before") {
  alignas(SocketAddress) std::array<unsigned char, sizeof(SocketAddress)> memory;
  memory.fill(0xaa);
  const auto* const address = new (memory.data()) SocketAddress;
  const auto* const bytes = reinterpret_cast<const char*>(address->data());
  CHECK(std::string(bytes, sizeof(sockaddr_un)) == std::string(sizeof(sockaddr_un), '\0'));
}

TEST_CASE("loopback addresses are known in every family") {
  CHECK(SocketAddress::from_ip("127.0.0.1", 1)->is_loopback());
  CHECK(SocketAddress::from_ip("127.9.9.9", 1)->is_loopback());
  CHECK(SocketAddress::from_ip("::1", 1)->is_loopback());
  CHECK(SocketAddress::from_ip("::ffff:127.0.0.1", 1)->is_loopback());
  CHECK_FALSE(SocketAddress::from_ip("128.0.0.1", 1)->is_loopback());
  CHECK_FALSE(SocketAddress::from_ip("::2", 1)->is_loopback());
  CHECK_FALSE(SocketAddress::from_path("/run/a.sock")->is_loopback());
}

TEST_CASE("addresses are equal if family, address and port are") {
  const auto address = *SocketAddress::from_ip("10.0.0.1", 80);
  CHECK(address == *SocketAddress::from_ip("10.0.0.1", 80));
  CHECK_FALSE(address == *SocketAddress::from_ip("10.0.0.2", 80));
  CHECK_FALSE(address == *SocketAddress::from_ip("10.0.0.1", 81));
  CHECK_FALSE(address == *SocketAddress::from_ip("::ffff:10.0.0.1", 80));
  CHECK(*SocketAddress::from_path("/run/a") == *SocketAddress::from_path("/run/a"));
  CHECK_FALSE(*SocketAddress::from_path("/run/a") == *SocketAddress::from_path("/run/b"));
  CHECK_FALSE(*SocketAddress::from_path("/run/a") == *SocketAddress::from_path("@run/a"));
}
