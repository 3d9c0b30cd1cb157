#include "gateway/process/client_key.hpp"

#include <set>
#include <string>

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;

namespace {

bool same(const conf::ClientLimit& limit, const char* one, const char* other) {
  const auto first = client_key(one, limit);
  const auto second = client_key(other, limit);
  REQUIRE(first);
  REQUIRE(second);
  return *first == *second;
}

}  // namespace

TEST_CASE("an IPv4 address is a client, an IPv6 network of 64 bits is one") {
  const conf::ClientLimit limit;
  CHECK(same(limit, "192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(same(limit, "192.0.2.1", "192.0.2.2"));
  CHECK(same(limit, "::ffff:192.0.2.1", "192.0.2.1"));
  CHECK(same(limit, "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
  CHECK_FALSE(same(limit, "2001:db8:1:2::1", "2001:db8:1:3::1"));
  CHECK_FALSE(same(limit, "::1", "0.0.0.1"));
}

TEST_CASE("prefixes are cut to the bit") {
  conf::ClientLimit limit;
  limit.ipv4_prefix = 20;
  limit.ipv6_prefix = 47;
  CHECK(same(limit, "10.1.16.0", "10.1.31.255"));
  CHECK_FALSE(same(limit, "10.1.31.255", "10.1.32.0"));
  CHECK(same(limit, "2001:db8:2::", "2001:db8:3::1"));
  CHECK_FALSE(same(limit, "2001:db8:3::", "2001:db8:4::"));
  limit.ipv6_prefix = 128;
  CHECK_FALSE(same(limit, "2001:db8::1", "2001:db8::2"));
}

TEST_CASE("what has no address is nobody, unless all are one") {
  conf::ClientLimit limit;
  CHECK_FALSE(client_key("unix:", limit));
  CHECK_FALSE(client_key("", limit));
  CHECK_FALSE(client_key(std::string(300, '1'), limit));
  limit.key = conf::LimitKey::all;
  CHECK(same(limit, "unix:", "192.0.2.1"));
}

TEST_CASE("where a client falls depends on the seed") {
  const conf::ClientLimit limit;
  std::set<std::uint64_t> hashes;
  for (int i = 0; i < 256; ++i) {
    const auto key = *client_key("10.0.0." + std::to_string(i), limit);
    hashes.insert(hash_of(key, 1) >> 59);
    CHECK(hash_of(key, 1) != hash_of(key, 2));
  }
  CHECK(hashes.size() == 32);
}
