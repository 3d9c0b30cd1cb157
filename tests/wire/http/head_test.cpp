#include "wire/http/head.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::http;

namespace {

std::vector<std::string> members_of(std::string_view list) {
  std::vector<std::string> members;
  for_each_member(list, [&](std::string_view member) {
    members.emplace_back(member);
    return true;
  });
  return members;
}

}  // namespace

TEST_CASE("RFC 9110 5.6.1: members of a list are trimmed, empty ones skipped, quotes respected") {
  using List = std::vector<std::string>;
  CHECK(members_of("").empty());
  CHECK(members_of(" , ,").empty());
  CHECK(members_of("a") == List{"a"});
  CHECK(members_of("a, b\t,c") == List{"a", "b", "c"});
  CHECK(members_of("\"a, b\", c") == List{"\"a, b\"", "c"});
  CHECK(members_of("\"a\\\", b\", c") == List{"\"a\\\", b\"", "c"});
  CHECK(members_of("\"a\\\\\", c") == List{"\"a\\\\\"", "c"});
  CHECK(members_of("a\\, b") == List{"a\\", "b"});
  CHECK(members_of("\"a\\") == List{"\"a\\"});
}

TEST_CASE("visiting the members of a list stops when the visitor says so") {
  int visits = 0;
  for_each_member("a,b,c", [&](std::string_view) { return ++visits < 2; });
  CHECK(visits == 2);
}

TEST_CASE("fields are found whatever their case, the first of several wins") {
  Fields fields;
  fields.push_back({"X-One", "1"});
  fields.push_back({"x-two", "2"});
  fields.push_back({"X-TWO", "3"});
  CHECK(fields.find("x-one") == "1");
  CHECK(fields.find("X-Two") == "2");
  CHECK_FALSE(fields.find("x-three").has_value());
  CHECK(fields.count("x-TWO") == 2);
  CHECK(fields.count("x-three") == 0);
}

TEST_CASE("a token is found in any of several fields of the name") {
  Fields fields;
  fields.push_back({"Connection", "keep-alive, x-foo"});
  fields.push_back({"connection", "Upgrade"});
  CHECK(fields.has_token("connection", "upgrade"));
  CHECK(fields.has_token("connection", "X-Foo"));
  CHECK_FALSE(fields.has_token("connection", "foo"));
  CHECK_FALSE(fields.has_token("upgrade", "upgrade"));
}

TEST_CASE("RFC 9110 5.6.2: which bytes a token may have") {
  CHECK(is_token("!#$%&'*+-.^_`|~09azAZ"));
  CHECK_FALSE(is_token(""));
  for (int c = 0; c < 256; ++c) {
    const auto byte = static_cast<char>(c);
    const bool expected = std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos ||
                          (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    CAPTURE(c);
    CHECK(is_token(std::string(1, byte)) == expected);
  }
}

TEST_CASE("RFC 9110 5.5: which bytes a field value may have, wherever they stand") {
  for (int c = 0; c < 256; ++c) {
    const bool expected = c == '\t' || (c >= 0x20 && c != 0x7f);
    for (const std::size_t at : {0U, 3U, 7U, 8U, 12U, 16U}) {
      std::string value(17, 'x');
      value[at] = static_cast<char>(c);
      CAPTURE(c, at);
      CHECK(is_field_value(value) == expected);
    }
  }
  CHECK(is_field_value(""));
}

TEST_CASE("only SP and HTAB are trimmed") {
  CHECK(trim(" \ta b\t ") == "a b");
  CHECK(trim(" \t ").empty());
  CHECK(trim("\vx\v") == "\vx\v");
}
