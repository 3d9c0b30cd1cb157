#include "wire/http/framing.hpp"

#include <initializer_list>

#include "tests/wire/http/head_parsing.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;

namespace {

// What a framing says, in words.
std::string words_of(const Framing& framing) {
  std::string words;
  switch (framing.kind) {
    case BodyKind::none: words = "none"; break;
    case BodyKind::length: words = "length " + std::to_string(framing.length); break;
    case BodyKind::chunked: words = "chunked"; break;
    case BodyKind::until_close: words = "until close"; break;
  }
  if (framing.drop_content_length) words += ", drop length";
  if (!framing.reusable) words += ", close";
  return words;
}

template <class Outcome>
std::string words_of_outcome(const Outcome& outcome) {
  return outcome.has_value() ? words_of(*outcome) : std::string(describe(outcome.error()));
}

struct Row {
  std::string_view fields;
  std::string_view words;
};

std::string request_framing_of(std::string_view fields, std::string_view version = "HTTP/1.1",
                               std::string_view method = "POST") {
  std::string text(method);
  text.append(" / ").append(version).append("\r\nHost: a\r\n").append(fields).append("\r\n");
  return words_of_outcome(request_framing(request_of(text)));
}

std::string response_framing_of(std::string_view status_line, std::string_view fields, bool to_head = false) {
  std::string text(status_line);
  text.append("\r\n").append(fields).append("\r\n");
  return words_of_outcome(response_framing(response_of(text), to_head));
}

void check_requests(std::initializer_list<Row> rows, std::string_view version = "HTTP/1.1") {
  for (const auto& row : rows) {
    CAPTURE(row.fields);
    CHECK(request_framing_of(row.fields, version) == row.words);
  }
}

void check_responses(std::initializer_list<Row> rows) {
  for (const auto& row : rows) {
    CAPTURE(row.fields);
    CHECK(response_framing_of("HTTP/1.1 200 OK", row.fields) == row.words);
  }
}

constexpr std::string_view bad_length = "invalid Content-Length";
constexpr std::string_view differing = "differing Content-Lengths";
constexpr std::string_view bad_encoding = "Transfer-Encoding is not exactly one `chunked`";
constexpr std::string_view unsupported = "unsupported transfer coding";
constexpr std::string_view both = "Content-Length together with Transfer-Encoding";
constexpr std::string_view old_encoding = "Transfer-Encoding in HTTP/1.0";

}  // namespace

TEST_CASE("RFC 9112 6.3: the framing of requests") {
  check_requests({{"", "none"},
                  {"Content-Length: 0\r\n", "length 0"},
                  {"content-length: 12\r\n", "length 12"},
                  {"Transfer-Encoding: chunked\r\n", "chunked"},
                  {"transfer-encoding: CHUNKED\r\n", "chunked"}});
}

TEST_CASE("RFC 9112 6.1: a request with Content-Length and Transfer-Encoding is refused") {
  check_requests({{"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", both},
                  {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", both},
                  {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", both}});
}

TEST_CASE("RFC 9110 8.6: Content-Length is digits only, and fits 63 bits") {
  check_requests({{"Content-Length:\r\n", bad_length},
                  {"Content-Length: +5\r\n", bad_length},
                  {"Content-Length: -5\r\n", bad_length},
                  {"Content-Length: 5 5\r\n", bad_length},
                  {"Content-Length: 0x5\r\n", bad_length},
                  {"Content-Length: 5.0\r\n", bad_length},
                  {"Content-Length: 5a\r\n", bad_length},
                  {"Content-Length: 1_0\r\n", bad_length},
                  {"Content-Length: \"5\"\r\n", bad_length},
                  {"Content-Length: \xc2\xb2\r\n", bad_length},
                  {"Content-Length: 9223372036854775807\r\n", "length 9223372036854775807"},
                  {"Content-Length: 9223372036854775808\r\n", bad_length},
                  {"Content-Length: 18446744073709551616\r\n", bad_length},
                  {"Content-Length: 18446744073709551621\r\n", bad_length},
                  {"Content-Length: 99999999999999999999999999999999\r\n", bad_length},
                  {"Content-Length: 0000000000000000000000000000000005\r\n", "length 5"}});
}

TEST_CASE("RFC 9112 6.3: equal Content-Lengths collapse, differing ones are refused") {
  check_requests({{"Content-Length: 5, 5\r\n", "length 5"},
                  {"Content-Length: 5\r\nContent-Length: 5\r\n", "length 5"},
                  {"Content-Length: 5,5\r\ncontent-length: 5\r\n", "length 5"},
                  {"Content-Length: 5, 6\r\n", differing},
                  {"Content-Length: 5\r\nContent-Length: 6\r\n", differing},
                  {"Content-Length: 0\r\nContent-Length: 5\r\n", differing},
                  {"Content-Length: 5,\r\n", bad_length},
                  {"Content-Length: ,5\r\n", bad_length},
                  {"Content-Length: 5,,5\r\n", bad_length},
                  {"Content-Length: 5\r\nContent-Length:\r\n", bad_length}});
}

TEST_CASE("RFC 9112 6.1: Transfer-Encoding is exactly one chunked, all else is refused") {
  check_requests({{"Transfer-Encoding: xchunked\r\n", bad_encoding},
                  {"Transfer-Encoding: chunkedx\r\n", bad_encoding},
                  {"Transfer-Encoding: \"chunked\"\r\n", bad_encoding},
                  {"Transfer-Encoding: chunked;q=1\r\n", bad_encoding},
                  {"Transfer-Encoding: chunked, chunked\r\n", bad_encoding},
                  {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", bad_encoding},
                  {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", bad_encoding},
                  {"Transfer-Encoding: chunked, gzip\r\n", bad_encoding},
                  {"Transfer-Encoding: chunked,\r\n", bad_encoding},
                  {"Transfer-Encoding: , chunked\r\n", bad_encoding},
                  {"Transfer-Encoding:\r\n", bad_encoding},
                  {"Transfer-Encoding: \x80\x63hunked\r\n", bad_encoding},
                  {"Transfer-Encoding: foo, chunked\r\n", bad_encoding},
                  {"Transfer-Encoding: gzip, chunked\r\n", unsupported},
                  {"Transfer-Encoding: gzip\r\n", unsupported},
                  {"Transfer-Encoding: identity\r\n", unsupported},
                  {"Transfer-Encoding: Deflate , Chunked\r\n", unsupported}});
}

TEST_CASE("RFC 9112 6.1: Transfer-Encoding in HTTP/1.0 is refused, in both directions") {
  check_requests({{"Transfer-Encoding: chunked\r\n", old_encoding},
                  {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", old_encoding},
                  {"Content-Length: 5\r\n", "length 5, close"}},
                 "HTTP/1.0");
  CHECK(response_framing_of("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n") == old_encoding);
}

TEST_CASE("RFC 9112 6.3: the framing of responses") {
  check_responses({{"Content-Length: 0\r\n", "length 0"},
                   {"Content-Length: 7\r\n", "length 7"},
                   {"Content-Length: 7, 7\r\n", "length 7"},
                   {"Transfer-Encoding: chunked\r\n", "chunked"},
                   {"Content-Length: x\r\n", bad_length},
                   {"Content-Length: 7\r\nContent-Length: 8\r\n", differing},
                   {"Transfer-Encoding: xchunked\r\n", bad_encoding},
                   {"Transfer-Encoding: gzip, chunked\r\n", unsupported}});
}

TEST_CASE("RFC 9112 6.3: a response without length lasts until the connection closes, which is then spent") {
  check_responses({{"", "until close, close"}, {"Connection: keep-alive\r\n", "until close, close"}});
}

TEST_CASE(
    "RFC 9112 6.3: of an upstream's Content-Length and Transfer-Encoding the former is dropped, the "
    "connection closed") {
  check_responses({{"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", "chunked, drop length, close"},
                   {"Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", "chunked, drop length, close"},
                   {"Transfer-Encoding: chunked\r\nContent-Length: x\r\n", bad_length}});
}

TEST_CASE("RFC 9112 6.3: answers to HEAD and 1xx, 204 and 304 have no body, whatever their fields say") {
  const auto length = "Content-Length: 7\r\n";
  const auto chunked = "Transfer-Encoding: chunked\r\n";
  CHECK(response_framing_of("HTTP/1.1 200 OK", length, true) == "none");
  CHECK(response_framing_of("HTTP/1.1 200 OK", chunked, true) == "none");
  CHECK(response_framing_of("HTTP/1.1 200 OK", "", true) == "none");
  CHECK(response_framing_of("HTTP/1.1 304 Not Modified", length) == "none");
  CHECK(response_framing_of("HTTP/1.1 304 Not Modified", chunked) == "none");
  CHECK(response_framing_of("HTTP/1.1 204 No Content", "") == "none");
  CHECK(response_framing_of("HTTP/1.1 103 Early Hints", "") == "none");
  CHECK(response_framing_of("HTTP/1.1 101 Switching Protocols", "") == "none");
}

TEST_CASE("RFC 9110 8.6: a length stated in 1xx or 204 is not relayed, and its connection not trusted") {
  CHECK(response_framing_of("HTTP/1.1 204 No Content", "Content-Length: 0\r\n") == "none, drop length");
  CHECK(response_framing_of("HTTP/1.1 204 No Content", "Content-Length: 7\r\n") ==
        "none, drop length, close");
  CHECK(response_framing_of("HTTP/1.1 204 No Content", "Transfer-Encoding: chunked\r\n") == "none, close");
  CHECK(response_framing_of("HTTP/1.1 100 Continue", "Content-Length: 7\r\n") == "none, drop length, close");
}

TEST_CASE("RFC 9112 9.3: who keeps the connection open") {
  struct Persistence {
    std::string_view version;
    std::string_view fields;
    bool kept;
  };
  const Persistence rows[] = {{"HTTP/1.1", "", true},
                              {"HTTP/1.1", "Connection: close\r\n", false},
                              {"HTTP/1.1", "Connection: CLOSE\r\n", false},
                              {"HTTP/1.1", "Connection: keep-alive, close\r\n", false},
                              {"HTTP/1.1", "Connection: upgrade\r\nConnection: close\r\n", false},
                              {"HTTP/1.1", "Connection: closed\r\n", true},
                              {"HTTP/1.0", "", false},
                              {"HTTP/1.0", "Connection: Keep-Alive\r\n", true},
                              {"HTTP/1.0", "Connection: keep-alive, close\r\n", false},
                              {"HTTP/1.0", "Proxy-Connection: keep-alive\r\n", false}};
  for (const auto& row : rows) {
    CAPTURE(row.version, row.fields);
    const auto text =
        "GET / " + std::string(row.version) + "\r\nHost: a\r\n" + std::string(row.fields) + "\r\n";
    const auto head = request_of(text);
    CHECK(wants_keep_alive(head.version, head.fields) == row.kept);
    CHECK(request_framing(head)->reusable == row.kept);
  }
  CHECK(response_framing_of("HTTP/1.1 200 OK", "Content-Length: 1\r\nConnection: close\r\n") ==
        "length 1, close");
  CHECK(response_framing_of("HTTP/1.0 200 OK", "Content-Length: 1\r\n") == "length 1, close");
}

TEST_CASE("the status with which a badly framed request is answered") {
  CHECK(status_of(FramingError::unsupported_coding) == 501);
  CHECK(status_of(FramingError::both_length_and_encoding) == 400);
  CHECK(status_of(FramingError::bad_transfer_encoding) == 400);
  CHECK(status_of(FramingError::encoding_in_http_1_0) == 400);
}
