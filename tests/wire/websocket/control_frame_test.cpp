#include "wire/websocket/control_frame.hpp"

#include <string>

#include "tests/support/catch.hpp"

using namespace tidegate::websocket;

TEST_CASE("RFC 6455 5.5.1: a server's Close carries code and reason in the clear") {
  const auto frame = make_close(Sender::server, 1012, "restart");
  CHECK(frame.view() == std::string("\x88\x09\x03\xf4restart"));
}

TEST_CASE("RFC 6455 5.3: a client's Close is masked, the first byte of the mask first") {
  const auto frame = make_close(Sender::client, 1000, "ab", 0x01020304);
  const std::string expected = {'\x88', '\x84', '\x01', '\x02',  '\x03',
                                '\x04', '\x02', '\xea', 'a' ^ 3, 'b' ^ 4};
  CHECK(frame.view() == expected);
}

TEST_CASE("RFC 6455 5.5: the reason of a Close is cut to 123 bytes, never through a character") {
  CHECK(make_close(Sender::server, 1001, std::string(123, 'x')).size == 2 + 2 + 123);
  CHECK(make_close(Sender::server, 1001, std::string(500, 'x')).size == 2 + 2 + 123);
  CHECK(make_close(Sender::client, 1001, std::string(500, 'x')).size == 2 + 4 + 2 + 123);
  const auto two_bytes = make_close(Sender::server, 1001, std::string(122, 'x') + "\xc3\xa9");
  CHECK(two_bytes.size == 2 + 2 + 122);
  const auto four_bytes = make_close(Sender::server, 1001, std::string(120, 'x') + "\xf0\x9f\x8c\x8a");
  CHECK(four_bytes.size == 2 + 2 + 120);
  const auto fits = make_close(Sender::server, 1001, std::string(119, 'x') + "\xf0\x9f\x8c\x8a!");
  CHECK(fits.size == 2 + 2 + 123);
}

TEST_CASE("RFC 6455 7.4: which close codes may be sent") {
  struct Row {
    std::uint16_t code;
    bool sendable;
  };
  const Row rows[] = {{0, false},    {999, false}, {1000, true}, {1003, true}, {1004, false}, {1005, false},
                      {1006, false}, {1007, true}, {1012, true}, {1014, true}, {1015, false}, {1016, false},
                      {2999, false}, {3000, true}, {4200, true}, {4999, true}, {5000, false}, {65535, false}};
  for (const auto& row : rows) {
    CAPTURE(row.code);
    CHECK(is_sendable_close_code(row.code) == row.sendable);
  }
}

TEST_CASE("a ping carries its cookie, masked towards a server") {
  const PingCookie cookie{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(make_ping(Sender::server, cookie).view() == "\x89\x08\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(make_ping(Sender::client, cookie, 0x10203040).view() ==
        "\x89\x88\x10\x20\x30\x40\x11\x22\x33\x44\x15\x26\x37\x48");
}
