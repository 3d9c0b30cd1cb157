#include "gateway/process/networks.hpp"

#include "tests/support/catch.hpp"

using tidegate::gateway::Networks;

TEST_CASE("an address belongs to a network if its first bits do") {
  struct Row {
    const char* network;
    const char* address;
    bool inside;
  };
  const Row rows[] = {
      {"10.0.0.0/8", "10.0.0.0", true},
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "9.255.255.255", false},
      {"192.168.1.128/25", "192.168.1.128", true},
      {"192.168.1.128/25", "192.168.1.127", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"10.1.2.3", "10.1.2.4", false},
      {"10.1.2.3/32", "10.1.2.3", true},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "::1", true},
      {"::/0", "10.0.0.1", true},  // as an IPv4-mapped address
      {"fd00::/8", "fd12::1", true},
      {"fd00::/8", "fe00::1", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::1", "::1", true},
      {"::1", "::2", false},
      {"10.0.0.0/8", "::ffff:10.1.1.1", true},
      {"::ffff:10.0.0.0/104", "10.1.1.1", true},
      {"10.0.0.0/8", "unix:", false},
      {"10.0.0.0/8", "", false},
      {"10.0.0.0/8", "10.0.0.1:80", false},
      {"10.0.0.0/8", "ten", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.network, row.address);
    CHECK(Networks({row.network}).contains(row.address) == row.inside);
  }
}

TEST_CASE("of several networks one is enough, and none contains nothing") {
  const Networks networks({"10.0.0.0/8", "fd00::/8"});
  CHECK(networks.contains("10.1.1.1"));
  CHECK(networks.contains("fd00::1"));
  CHECK_FALSE(networks.contains("192.168.0.1"));
  CHECK_FALSE(networks.empty());
  CHECK(Networks().empty());
  CHECK_FALSE(Networks().contains("10.1.1.1"));
}

TEST_CASE("what is no network is passed over") {
  const Networks networks({"nonsense", "10.0.0.0/8"});
  CHECK(networks.contains("10.1.1.1"));
  CHECK_FALSE(networks.contains("11.1.1.1"));
}

TEST_CASE("an address is one as a whole") {
  CHECK(Networks::is_address("10.1.1.1"));
  CHECK(Networks::is_address("fd00::1"));
  // An element of Forwarded may name nobody: a view of nothing, which memcpy must not be given.
  CHECK_FALSE(Networks::is_address({}));
  CHECK_FALSE(Networks::is_address(std::string_view("10.1.1.1\0.evil", 14)));
  CHECK_FALSE(Networks::is_address("unix:"));
}
