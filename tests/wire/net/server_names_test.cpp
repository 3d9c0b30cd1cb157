#include "wire/net/server_names.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::net;

namespace {

using Bytes = std::vector<std::uint8_t>;

void append_size(Bytes& bytes, std::size_t size) {
  bytes.push_back(static_cast<std::uint8_t>(size >> 8));
  bytes.push_back(static_cast<std::uint8_t>(size));
}

Bytes extension(const std::string& name, std::uint8_t type = 0) {
  Bytes bytes;
  append_size(bytes, name.size() + 3);
  bytes.push_back(type);
  append_size(bytes, name.size());
  bytes.insert(bytes.end(), name.begin(), name.end());
  return bytes;
}

}  // namespace

TEST_CASE("RFC 6066 3: a server name is taken in lower case and without its final dot") {
  CHECK(parse_server_name(extension("a.example.com")) == "a.example.com");
  CHECK(parse_server_name(extension("A.Example.COM.")) == "a.example.com");
  CHECK(parse_server_name(extension("localhost")) == "localhost");
  CHECK(parse_server_name(extension("under_score-1.test")) == "under_score-1.test");
}

TEST_CASE("RFC 6066 3: what is no host name is none") {
  const std::string label(63, 'a');
  CHECK(parse_server_name(extension(label + ".test")));
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".a"), std::string("a..b"), std::string("a b"),
        std::string("a/b"), std::string("127.0.0.1"), std::string("[::1]"), std::string("a\0b", 3),
        std::string("\xc3\xa4.test"), label + "a.test", label + "." + label + "." + label + "." + label}) {
    CAPTURE(name);
    CHECK_FALSE(parse_server_name(extension(name)));
  }
  CHECK_FALSE(parse_server_name(extension("a.test", 1)));
}

TEST_CASE("RFC 6066 3: a server_name extension that is cut or has more than one name is none") {
  const auto whole = extension("a.test");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(parse_server_name(std::span(whole).first(size)));
  }
  auto longer = whole;
  longer.push_back(0);
  CHECK_FALSE(parse_server_name(longer));
  for (std::size_t at = 0; at < 5; ++at) {
    for (int value = 0; value < 256; ++value) {
      auto changed = whole;
      changed[at] = static_cast<std::uint8_t>(value);
      CHECK(parse_server_name(changed).has_value() == (changed == whole));
    }
  }
}

TEST_CASE("RFC 6125 6.4.3: an exact name goes before a wildcard, which stands for one label") {
  ServerNames names;
  CHECK(names.add("a.test", 1));
  CHECK(names.add("*.test", 2));
  CHECK(names.add("*.b.test", 3));
  CHECK_FALSE(names.add("a.test", 9));
  CHECK_FALSE(names.add("*.test", 9));
  CHECK(names.find("a.test") == 1);
  CHECK(names.find("b.test") == 2);
  CHECK(names.find("c.b.test") == 3);
  CHECK_FALSE(names.find("d.c.b.test"));
  CHECK_FALSE(names.find("test"));
  CHECK_FALSE(names.find(".test"));
  CHECK_FALSE(names.find(""));
  // What holds for a route's hosts holds for all below them.
  CHECK(names.find_within("a.test") == 1);
  CHECK(names.find_within("b.test") == 2);
  CHECK(names.find_within("c.b.test") == 3);
  CHECK(names.find_within("d.c.b.test") == 3);
  CHECK(names.find_within("d.c.a.test") == 2);
  CHECK_FALSE(names.find_within("test"));
  CHECK_FALSE(names.find_within(""));
}
