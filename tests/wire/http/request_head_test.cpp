#include "tests/wire/http/head_parsing.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;
using namespace std::string_view_literals;

namespace {

struct Accepted {
  const char* name;
  std::string_view text;
  std::string_view words;
};

struct Refused {
  const char* name;
  std::string_view text;
  HeadError error;
};

void check(std::initializer_list<Accepted> rows, const HeadLimits& limits = {}) {
  for (const auto& row : rows) {
    INFO(row.name);
    check_accepted<RequestHead>(row.text, row.words, limits);
    check_accepted<RequestHead>(row.text, row.words, limits, "GET /next HTTP/1.1\r\n");
  }
}

void check(std::initializer_list<Refused> rows, const HeadLimits& limits = {}) {
  for (const auto& row : rows) {
    INFO(row.name);
    check_refused<RequestHead>(row.text, row.error, limits);
  }
}

}  // namespace

TEST_CASE("RFC 9112 3: valid request heads") {
  check(
      {Accepted{"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1|Host=a"},
       {"HTTP/1.0 without any field", "GET /a?b=c HTTP/1.0\r\n\r\n", "GET /a?b=c 1.0"},
       {"own method", "X-PURGE!~ /x HTTP/1.1\r\nhost:a:80\r\n\r\n", "X-PURGE!~ /x 1.1|host=a:80"},
       {"absolute-form", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/b 1.1|Host=a"},
       {"asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * 1.1|Host=a"},
       {"order and repetition are kept", "GET / HTTP/1.1\r\nA: 1\r\nHost: h\r\nB: 2\r\na: 3\r\n\r\n",
        "GET / 1.1|A=1|Host=h|B=2|a=3"},
       {"white space around the value", "GET / HTTP/1.1\r\nHost: \t a \t \r\nX:1 2\t3 \r\n\r\n",
        "GET / 1.1|Host=a|X=1 2\t3"},
       {"empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t\r\n\r\n", "GET / 1.1|Host=a|X=|Y="},
       {"colon in the value", "GET / HTTP/1.1\r\nHost: a\r\nX: b:c: d\r\n\r\n", "GET / 1.1|Host=a|X=b:c: d"},
       {"obs-text in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xc3\xa9\xff\x80\r\n\r\n",
        "GET / 1.1|Host=a|X=\xc3\xa9\xff\x80"}});
}

TEST_CASE("RFC 9112 2.2: one empty line before the request line is skipped, a second one is refused") {
  check({Accepted{"one CRLF", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1|Host=a"}});
  check({Refused{"two", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_request_line},
         {"only two", "\r\n\r\n", HeadError::bad_request_line}});
}

TEST_CASE("RFC 9112 2.2: a bare line feed is refused by default") {
  check({Refused{"after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", HeadError::bare_line_feed},
         {"after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", HeadError::bare_line_feed},
         {"as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", HeadError::bare_line_feed},
         {"before the request line", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bare_line_feed}});
}

TEST_CASE("RFC 9112 2.2: a bare line feed ends a line where that is configured") {
  HeadLimits limits;
  limits.accept_bare_line_feed = true;
  check({Accepted{"throughout", "GET / HTTP/1.1\nHost: a\nX: 1\n\n", "GET / 1.1|Host=a|X=1"},
         {"mixed", "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\n", "GET / 1.1|Host=a|X=1"},
         {"before the request line", "\nGET / HTTP/1.1\nHost: a\n\n", "GET / 1.1|Host=a"}},
        limits);
  check({Refused{"folding", "GET / HTTP/1.1\nHost: a\n b\n\n", HeadError::obsolete_folding},
         {"a second return", "GET / HTTP/1.1\r\r\nHost: a\n\n", HeadError::bare_carriage_return},
         {"a second empty line", "\n\nGET / HTTP/1.1\nHost: a\n\n", HeadError::bad_request_line}},
        limits);
}

TEST_CASE("RFC 9112 2.2: a bare carriage return is refused everywhere") {
  check({Refused{"in the method", "G\rET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bare_carriage_return},
         {"in the target", "GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bare_carriage_return},
         {"in the version", "GET / HTTP/1\r1\r\nHost: a\r\n\r\n", HeadError::bare_carriage_return},
         {"doubled after the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
          HeadError::bare_carriage_return},
         {"in a name", "GET / HTTP/1.1\r\nHo\rst: a\r\n\r\n", HeadError::bare_carriage_return},
         {"in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", HeadError::bare_carriage_return},
         {"at the end of a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n",
          HeadError::bare_carriage_return},
         {"as a line", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", HeadError::bare_carriage_return}});
}

TEST_CASE("RFC 9112 3: the request line is method, target and version with single spaces") {
  check({Refused{"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_request_line},
         {"HTTP/0.9", "GET /\r\n\r\n", HeadError::bad_request_line},
         {"no space at all", "GET\r\n\r\n", HeadError::bad_request_line},
         {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_target},
         {"two spaces after the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_target},
         {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_target},
         {"a space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", HeadError::bad_target},
         {"a tab instead of a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_method},
         {"a tab before the version", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_request_line},
         {"a space in front", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_method},
         {"no method", "/ HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_method},
         {"a method that is no token", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_method},
         {"empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_target},
         {"control byte in the target", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::bad_target},
         {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, HeadError::bad_target},
         {"bytes above ASCII in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
          HeadError::bad_target},
         {"a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, HeadError::bad_method}});
}

TEST_CASE("RFC 9112 2.3: the version is HTTP/1.0 or HTTP/1.1, in these letters") {
  check({Refused{"lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", HeadError::bad_version},
         {"mixed case", "GET / Http/1.1\r\nHost: a\r\n\r\n", HeadError::bad_version},
         {"no minor number", "GET / HTTP/1\r\nHost: a\r\n\r\n", HeadError::bad_version},
         {"leading zero", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", HeadError::bad_version},
         {"two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", HeadError::bad_version},
         {"another protocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", HeadError::bad_version},
         {"a letter", "GET / HTTP/1.x\r\nHost: a\r\n\r\n", HeadError::bad_version},
         {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", HeadError::unsupported_version},
         {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", HeadError::unsupported_version},
         {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", HeadError::unsupported_version},
         {"HTTP/3.1", "GET / HTTP/3.1\r\nHost: a\r\n\r\n", HeadError::unsupported_version},
         {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HeadError::unsupported_version}});
}

TEST_CASE("RFC 9112 5.1: no white space between a field's name and its colon") {
  check({Refused{"space", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", HeadError::space_before_colon},
         {"tab", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n",
          HeadError::space_before_colon},
         {"several", "GET / HTTP/1.1\r\nHost: a\r\nX \t : b\r\n\r\n", HeadError::space_before_colon}});
}

TEST_CASE("RFC 9112 5.1: a field's name is a token") {
  check({Refused{"empty", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", HeadError::bad_field_name},
         {"space inside", "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", HeadError::bad_field_name},
         {"bracket", "GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", HeadError::bad_field_name},
         {"NUL", "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"sv, HeadError::bad_field_name},
         {"above ASCII", "GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa9: b\r\n\r\n", HeadError::bad_field_name},
         {"no colon", "GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n", HeadError::missing_colon},
         {"words without a colon", "GET / HTTP/1.1\r\nHost: a\r\nbroken line\r\n\r\n",
          HeadError::missing_colon}});
}

TEST_CASE("names with an underscore pass, are dropped or are refused, in requests only") {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\nX: 2\r\n_: 3\r\n\r\n";
  check_accepted<RequestHead>(text, "GET / 1.1|Host=a|X_Y=1|X=2|_=3");
  check_accepted<RequestHead>(text, "GET / 1.1|Host=a|X=2", {.underscores = Underscores::drop});
  check_refused<RequestHead>(text, HeadError::underscore_in_name, {.underscores = Underscores::refuse});
  check_accepted<ResponseHead>("HTTP/1.1 200 OK\r\nX_Y: 1\r\n\r\n", "1.1 200 OK|X_Y=1",
                               {.underscores = Underscores::refuse});
}

TEST_CASE("RFC 9112 5.2: obsolete line folding is refused") {
  check({Refused{"space", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", HeadError::obsolete_folding},
         {"tab", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n", HeadError::obsolete_folding},
         {"before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", HeadError::obsolete_folding},
         {"only white space", "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", HeadError::obsolete_folding},
         {"hiding a framing field", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n Content-Length: 5\r\n\r\n",
          HeadError::obsolete_folding}});
}

TEST_CASE("RFC 9110 5.5: no control byte but HTAB in a field value") {
  check({Refused{"NUL", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"sv, HeadError::bad_field_value},
         {"vertical tab", "GET / HTTP/1.1\r\nHost: a\r\nX: a\vb\r\n\r\n", HeadError::bad_field_value},
         {"form feed", "GET / HTTP/1.1\r\nHost: a\r\nX: 12345678\f\r\n\r\n", HeadError::bad_field_value},
         {"DEL", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n", HeadError::bad_field_value},
         {"escape", "GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[0m\r\n\r\n", HeadError::bad_field_value}});
}

TEST_CASE("RFC 9112 3.2: exactly one valid Host in HTTP/1.1, at most one in HTTP/1.0") {
  check({Refused{"missing", "GET / HTTP/1.1\r\n\r\n", HeadError::missing_host},
         {"missing among others", "GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", HeadError::missing_host},
         {"missing beside an absolute-form", "GET http://a/ HTTP/1.1\r\n\r\n", HeadError::missing_host},
         {"twice, different", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", HeadError::repeated_host},
         {"twice, equal", "GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", HeadError::repeated_host},
         {"twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", HeadError::repeated_host},
         {"empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", HeadError::bad_host},
         {"list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", HeadError::bad_host},
         {"userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", HeadError::bad_host},
         {"path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HeadError::bad_host},
         {"port out of range", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", HeadError::bad_host},
         {"invalid in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", HeadError::bad_host}});
}

TEST_CASE("the status with which a bad request is answered") {
  CHECK(status_of(HeadError::unsupported_version) == 505);
  CHECK(status_of(HeadError::target_too_long) == 414);
  CHECK(status_of(HeadError::head_too_large) == 431);
  CHECK(status_of(HeadError::too_many_fields) == 431);
  for (const auto error : {HeadError::bad_request_line, HeadError::bad_method, HeadError::bad_version,
                           HeadError::bare_line_feed, HeadError::missing_host, HeadError::bad_host}) {
    CHECK(status_of(error) == 400);
  }
}
