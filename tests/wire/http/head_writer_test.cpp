#include "wire/http/head_writer.hpp"

#include <array>
#include <string>

#include "tests/wire/http/head_parsing.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;

namespace {

void write_all(HeadWriter& writer, const Fields& fields) {
  for (const auto& field : fields) writer.field(field.name, field.value);
  writer.end();
}

// A head that a client might send: any token, any field value.
std::string random_request(std::mt19937& random) {
  constexpr std::string_view token_bytes = "abcXYZ019!#$%&'*+-.^_`|~";
  const auto any_of = [&random](std::string_view set) { return set[random() % set.size()]; };
  std::string text = "GET /";
  for (auto i = random() % 20; i > 0; --i) text += any_of("abc/?=&%;~");
  text += " HTTP/1.1\r\nHost: a\r\n";
  for (auto fields = random() % 12; fields > 0; --fields) {
    for (auto i = 1 + random() % 12; i > 0; --i) text += any_of(token_bytes);
    text += random() % 2 == 0 ? ":" : ": \t";
    for (auto i = random() % 40; i > 0; --i) {
      const auto byte = static_cast<char>(random());
      text += is_field_value({&byte, 1}) ? byte : ' ';
    }
    text += "\r\n";
  }
  return text + "\r\n";
}

std::string date_of(std::int64_t seconds) {
  std::array<char, 29> out{};
  return std::string(write_date(out, seconds));
}

}  // namespace

TEST_CASE("a request head in wire form") {
  std::array<char, 256> out{};
  HeadWriter writer(out);
  writer.request_line("GET", "/a?b");
  writer.field("Host", "a");
  writer.field("Empty", "");
  writer.field("Content-Length", std::uint64_t{18446744073709551615U});
  writer.begin_field("X-Forwarded-For");
  writer.append("1.2.3.4");
  writer.append(", ");
  writer.append("5.6.7.8");
  writer.end_field();
  writer.end();
  CHECK_FALSE(writer.overflowed());
  CHECK(writer.text() ==
        "GET /a?b HTTP/1.1\r\nHost: a\r\nEmpty: \r\nContent-Length: 18446744073709551615\r\n"
        "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n\r\n");
}

TEST_CASE("a response head in wire form") {
  std::array<char, 256> out{};
  HeadWriter writer(out);
  writer.status_line(Version::http_1_0, 404, "Not Found");
  writer.field("Retry-After", std::uint64_t{0});
  writer.raw("X: y\r\n");
  writer.end();
  CHECK(writer.text() == "HTTP/1.0 404 Not Found\r\nRetry-After: 0\r\nX: y\r\n\r\n");
  HeadWriter other(out);
  other.status_line(Version::http_1_1, 101, "");
  CHECK(other.text() == "HTTP/1.1 101 \r\n");
}

TEST_CASE("a head that does not fit is an overflow from there on, and nothing is written beyond the buffer") {
  const std::string expected = "GET / HTTP/1.1\r\nHost: abc\r\n\r\n";
  for (std::size_t room = 0; room <= expected.size(); ++room) {
    CAPTURE(room);
    std::string buffer(expected.size() + 8, '#');
    HeadWriter writer(std::span<char>(buffer.data(), room));
    writer.request_line("GET", "/");
    writer.field("Host", "abc");
    writer.end();
    CHECK(writer.overflowed() == (room < expected.size()));
    CHECK(writer.text().size() <= room);
    CHECK(expected.starts_with(writer.text()));
    CHECK(buffer.substr(room) == std::string(buffer.size() - room, '#'));
  }
}

TEST_CASE("what is written after an overflow is left out, even if it would fit") {
  std::array<char, 20> out{};
  HeadWriter writer(out);
  writer.field("A", "b");
  writer.field("Long", "0123456789");
  writer.end();
  CHECK(writer.overflowed());
  CHECK(writer.text() == "A: b\r\n");
}

TEST_CASE("a head written from a parsed head parses again to the same fields") {
  std::mt19937 random(11);
  for (int round = 0; round < 500; ++round) {
    const auto text = random_request(random);
    CAPTURE(text);
    const auto head = request_of(text);
    std::array<char, 2048> out{};
    HeadWriter writer(out);
    writer.request_line(head.method, head.target);
    write_all(writer, head.fields);
    REQUIRE_FALSE(writer.overflowed());
    const auto again = request_of(writer.text());
    CHECK(words_of(again) == words_of(head));
    CHECK(again.size == writer.text().size());
  }
}

TEST_CASE("a response head written from a parsed one parses again to the same fields") {
  for (const std::string_view text :
       {"HTTP/1.1 200 OK\r\nA: b\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d; Path=/\r\n\r\n",
        "HTTP/1.0 599\r\n\r\n", "HTTP/1.1 100 \xc3\xa9\r\nX:\r\n\r\n"}) {
    const auto head = response_of(text);
    std::array<char, 512> out{};
    HeadWriter writer(out);
    writer.status_line(head.version, head.status, head.reason);
    write_all(writer, head.fields);
    CHECK(words_of(response_of(writer.text())) == words_of(head));
  }
}

TEST_CASE("RFC 9110 15: reason phrases") {
  CHECK(reason_phrase(101) == "Switching Protocols");
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(reason_phrase(503) == "Service Unavailable");
  CHECK(reason_phrase(299).empty());
}

TEST_CASE("RFC 9110 5.6.7: dates are IMF-fixdates") {
  CHECK(date_of(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(date_of(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date_of(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(date_of(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(date_of(951868799) == "Tue, 29 Feb 2000 23:59:59 GMT");
  CHECK(date_of(951868800) == "Wed, 01 Mar 2000 00:00:00 GMT");
  CHECK(date_of(1735689599) == "Tue, 31 Dec 2024 23:59:59 GMT");
  CHECK(date_of(4107542400) == "Mon, 01 Mar 2100 00:00:00 GMT");
}
