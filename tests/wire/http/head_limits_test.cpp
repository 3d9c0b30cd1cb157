#include <string>

#include "tests/wire/http/head_parsing.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;

namespace {

std::string request_with(std::string_view target, std::size_t fields, std::string_view value = "v") {
  std::string text = "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n";
  for (std::size_t i = 1; i < fields; ++i) text.append("X: ").append(value).append("\r\n");
  return text.append("\r\n");
}

bool is_complete(std::string_view text, const HeadLimits& limits) {
  HeadParser parser(limits);
  RequestHead head;
  return parser.parse_request(text, head) == Progress::complete;
}

}  // namespace

TEST_CASE("RFC 9112 3: a target that is too long is answered with 414, even before its line has ended") {
  HeadLimits limits;
  limits.target_bytes = 100;
  const std::string longest = "/" + std::string(99, 'a');
  CHECK(is_complete(request_with(longest, 1), limits));
  check_refused<RequestHead>(request_with(longest + "a", 1), HeadError::target_too_long, limits);
  check_refused<RequestHead>(request_with(longest + longest, 1), HeadError::target_too_long, limits);
  check_refused<RequestHead>("GET /" + std::string(200, 'a'), HeadError::target_too_long, limits);
}

TEST_CASE("RFC 6585 5: a head that is too large is answered with 431, even before its line has ended") {
  HeadLimits limits;
  const auto text = request_with("/", 5);
  limits.head_bytes = text.size();
  CHECK(is_complete(text, limits));
  check_accepted<RequestHead>(text, "GET / 1.1|Host=a|X=v|X=v|X=v|X=v", limits, "following");
  for (const std::size_t less : {1U, 2U, 3U, 10U}) {
    limits.head_bytes = text.size() - less;
    check_refused<RequestHead>(text, HeadError::head_too_large, limits);
  }
  limits.head_bytes = 64;
  check_refused<RequestHead>("GET / HTTP/1.1\r\nX: " + std::string(64, 'x'), HeadError::head_too_large,
                             limits);
  check_refused<ResponseHead>("HTTP/1.1 200 " + std::string(64, 'x'), HeadError::head_too_large, limits);
}

TEST_CASE("the smaller of the limits of target and head decides, however the bytes arrive") {
  HeadLimits limits;
  limits.head_bytes = 50;
  limits.target_bytes = 100;
  check_refused<RequestHead>(request_with(std::string(300, '/'), 1), HeadError::head_too_large, limits);
  limits.head_bytes = 200;
  check_refused<RequestHead>(request_with(std::string(300, '/'), 1), HeadError::target_too_long, limits);
}

TEST_CASE("RFC 6585 5: too many fields are answered with 431") {
  HeadLimits limits;
  limits.fields = 3;
  CHECK(is_complete(request_with("/", 3), limits));
  check_refused<RequestHead>(request_with("/", 4), HeadError::too_many_fields, limits);
}

TEST_CASE("a method without end is refused early") {
  check_refused<RequestHead>(std::string(100, 'A'), HeadError::bad_method);
  check_refused<RequestHead>(std::string(65, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_method);
  check_accepted<RequestHead>(std::string(64, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n",
                              std::string(64, 'A') + " / 1.1|Host=a");
}

TEST_CASE("the default limits hold the heads of upgrades with long cookies") {
  CHECK(is_complete(request_with("/" + std::string(16 * 1024 - 1, 'a'), 2, std::string(15 * 1024, 'c')), {}));
}

TEST_CASE("bytes of a head that were scanned are not scanned again") {
  std::string buffer = "GET /path HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaa";
  buffer.reserve(1000);
  HeadParser parser;
  RequestHead head;
  REQUIRE(parser.parse_request(buffer, head) == Progress::incomplete);
  // What was judged can be spoilt without notice.
  buffer.replace(0, 9, 9, '\n');
  SECTION("whole lines") {
    buffer += "\r\n\r\n";
    CHECK(parser.parse_request(buffer, head) == Progress::complete);
    CHECK(head.fields.size() == 2);
  }
  SECTION("the beginning of a line") {
    buffer[buffer.size() - 10] =
        '\n';  // to be found in the end by the value's own check, but not as a line end
    buffer += "\r\n\r\n";
    CHECK(parser.parse_request(buffer, head) == Progress::failed);
    CHECK(parser.error() == HeadError::bad_field_value);
  }
}

TEST_CASE("one parser and one head serve many heads, after a failure too") {
  HeadParser parser;
  RequestHead head;
  REQUIRE(parser.parse_request("GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n", head) == Progress::complete);
  CHECK(words_of(head) == "GET /a 1.1|Host=a|X=1");
  parser.reset();
  REQUIRE(parser.parse_request("GET /b HTTP/1.1\r\nHo st: a\r\n\r\n", head) == Progress::failed);
  CHECK(parser.parse_request("GET /b HTTP/1.1\r\nHost: a\r\n\r\n", head) == Progress::failed);
  parser.reset();
  CHECK(parser.error() == HeadError::none);
  REQUIRE(parser.parse_request("GET /c HTTP/1.0\r\n\r\n", head) == Progress::complete);
  CHECK(words_of(head) == "GET /c 1.0");
}

TEST_CASE("pipelined heads are taken one after another out of one buffer") {
  const std::string stream = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\nGET /c";
  std::string_view rest = stream;
  HeadParser parser;
  RequestHead head;
  std::string seen;
  while (parser.parse_request(rest, head) == Progress::complete) {
    seen.append(words_of(head)).append(";");
    rest.remove_prefix(head.size);
    parser.reset();
  }
  CHECK(parser.error() == HeadError::none);
  CHECK(seen == "GET /a 1.1|Host=a;GET /b 1.1|Host=b;");
  CHECK(rest == "GET /c");
}

TEST_CASE("nothing received is an incomplete head") {
  HeadParser parser;
  RequestHead head;
  CHECK(parser.parse_request({}, head) == Progress::incomplete);
  CHECK(parser.parse_request("\r", head) == Progress::incomplete);
  CHECK(parser.parse_request("\r\n", head) == Progress::incomplete);
}

// A client could name fourteen thousand fields in Connection, and each field of its request was looked for
// among them.
TEST_CASE("RFC 9110 7.6.1: a head with more than 64 connection options is refused, over all its fields") {
  const auto options = [](std::size_t count) {
    std::string list;
    for (std::size_t i = 1; i < count; ++i) list += "a, ";
    return "Connection: " + list + "b\r\n";
  };
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string response = "HTTP/1.1 200 OK\r\n";
  CHECK(is_complete(request + options(64) + "\r\n", {}));
  CHECK(is_complete(request + options(32) + options(32) + "\r\n", {}));
  check_refused<RequestHead>(request + options(65) + "\r\n", HeadError::too_many_options);
  check_refused<RequestHead>(request + options(32) + options(33) + "\r\n", HeadError::too_many_options);
  check_refused<ResponseHead>(response + options(65) + "\r\n", HeadError::too_many_options);
  CHECK(status_of(HeadError::too_many_options) == 400);
}
