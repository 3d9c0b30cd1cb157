// Requests that must not pass: the gateway answers them itself, closes, and the endpoint sees nothing.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// Sends `bytes` and a request behind them, and expects `status`, an orderly end, and an untouched endpoint.
void expect_refused(const std::string& bytes, int status, const Setup& setup = {}) {
  OnePod t(setup);
  CAPTURE(bytes);
  t.client.send(bytes + get("/smuggled"));
  const auto answer = t.client.read_answer();
  CHECK(answer.status == status);
  CHECK(answer.field("Connection") == "close");
  CHECK(answer.field("Proxy-Status").find("tidegate") == 0);
  // Client and gateway both have said all: nothing but the end may follow.
  t.client.half_close();
  CHECK(t.client.read_to_end().empty());
  CHECK(t.backend.untouched());
}

std::string with_fields(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

}  // namespace

TEST_CASE("RFC 9112 6.1: Content-Length with Transfer-Encoding is refused, in either order") {
  expect_refused(with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400);
  expect_refused(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400);
}

TEST_CASE("RFC 9112 6.3: differing, empty, signed and overflowing Content-Lengths are refused") {
  for (const std::string fields :
       {"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5, 6\r\n", "Content-Length: \r\n",
        "Content-Length: ,5\r\n", "Content-Length: +5\r\n", "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n", "Content-Length: 18446744073709551617\r\n",
        "Content-Length: 9223372036854775808\r\n"}) {
    expect_refused(with_fields(fields, "hello"), 400);
  }
}

TEST_CASE("RFC 9112 6.1: a Transfer-Encoding other than one chunked is refused") {
  expect_refused(with_fields("Transfer-Encoding: xchunked\r\n"), 400);
  expect_refused(with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  expect_refused(with_fields("Transfer-Encoding: chunked, identity\r\n"), 400);
  expect_refused(with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501);
  expect_refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
}

TEST_CASE("RFC 9112 5.2: obsolete line folding is refused") {
  expect_refused(with_fields("X-Long: a\r\n b\r\n"), 400);
}

TEST_CASE("RFC 9112 5.1: white space before the colon and names that are no tokens are refused") {
  expect_refused(with_fields("Content-Length : 5\r\n"), 400);
  expect_refused(with_fields(": empty\r\n"), 400);
  expect_refused(with_fields("no colon\r\n"), 400);
}

TEST_CASE("RFC 9110 5.5: CR, NUL and control bytes in a value are refused") {
  expect_refused(with_fields("X-A: a\rb\r\n"), 400);
  expect_refused(with_fields(std::string("X-A: a\0b\r\n", 10)), 400);
  expect_refused(with_fields("X-A: a\x01z\r\n"), 400);
}

TEST_CASE("RFC 9112 3.2: no Host, two Hosts and an invalid Host are refused") {
  expect_refused("GET / HTTP/1.1\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400);
}

TEST_CASE("RFC 9112 2.2: a bare LF is refused by default") {
  expect_refused("GET / HTTP/1.1\nHost: a\n\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400);
}

// `Host: evil.example,.shop.example` is a name below `*.shop.example`; a pod that splits X-Forwarded-Host at
// its commas, as many do, meets evil.example. `;` does the same to readers of Forwarded.
TEST_CASE("a Host that others take for two is refused, in the target too") {
  for (const std::string host : {"evil.example,.shop.example", "a;host=evil.example", "a.example,"}) {
    expect_refused("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 400);
    expect_refused("GET http://" + host + "/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  }
}

TEST_CASE("RFC 9112 2.2: bare LFs in a head are taken where the listener accepts them, in chunks never") {
  OnePod t({.listener = "    bareLineFeed: accept\n"});
  t.client.send("GET /lf HTTP/1.1\nHost: a\nX-A: b\n\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.target == "/lf");
  CHECK(request.field("X-A") == "b");
  CHECK(request.head.find("a\n\n") == std::string::npos);  // written anew with CRLF
  pod.send(ok("x"));
  CHECK(t.client.read_answer().status == 200);
  t.client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n");
  CHECK(t.client.read_answer().status == 400);
}

TEST_CASE("RFC 9112 2.3: versions other than 1.0 and 1.1 are refused") {
  expect_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
  expect_refused("GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400);
}

TEST_CASE("RFC 9113 3.4, RFC 8446 5.1: HTTP/2 with prior knowledge and TLS in the clear are refused") {
  expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
  expect_refused(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n", 400);
}

TEST_CASE("RFC 9112 3.2.3: CONNECT is not offered, and what follows it is not a request") {
  expect_refused("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405);
}

TEST_CASE("RFC 9112 3.2.4: the target * belongs to OPTIONS alone") {
  expect_refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

TEST_CASE("RFC 9112 3.2: paths that leave the root, hold NUL or a fragment are refused") {
  expect_refused("GET /../etc HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET /a/%2e%2e/%2E%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

TEST_CASE("RFC 9110 15.5.15: a target over the limit is 414, also before its line has ended") {
  const Setup setup{.listener = "    requestLimits: { target: 128 }\n"};
  expect_refused("GET /" + std::string(200, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, setup);
}

TEST_CASE("RFC 6585 5: a head over the limit in bytes or fields is 431") {
  const Setup small{.listener = "    requestLimits: { head: 1024, target: 512 }\n"};
  expect_refused(with_fields("X-Large: " + std::string(2000, 'a') + "\r\n"), 431, small);
  const Setup few{.listener = "    requestLimits: { fields: 3 }\n"};
  expect_refused(with_fields("A: 1\r\nB: 1\r\nC: 1\r\n"), 431, few);
}

TEST_CASE("RFC 9110 15.5.14: a Content-Length over the limit is 413 before the body is read") {
  const Setup setup{.listener = "    requestLimits: { body: 10 }\n"};
  expect_refused(with_fields("Content-Length: 11\r\n"), 413, setup);
  const Setup route{.route = "    maxBody: 10\n"};
  expect_refused(with_fields("Content-Length: 11\r\n"), 413, route);
}

TEST_CASE("the route's body limit replaces the listener's") {
  OnePod t({.listener = "    requestLimits: { body: 1 }\n", .route = "    maxBody: 0\n"});
  t.client.send(post("hello"));
  auto pod = t.backend.accept();
  CHECK(pod.read_request().body == "hello");
}

TEST_CASE("RFC 9110 10.1.1: an unknown expectation is 417") {
  OnePod t;
  t.client.send(get("/", "Expect: the-impossible\r\n"));
  CHECK(t.client.read_answer().status == 417);
  CHECK(t.backend.untouched());
}

TEST_CASE("RFC 9110 7.4: a secure URI in the clear is misdirected") {
  if (tls_everywhere()) return;  // nothing is in the clear
  OnePod t;
  t.client.send("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(t.client.read_answer().status == 421);
  CHECK(t.backend.untouched());
}

TEST_CASE("RFC 9112 9.6: the answer to a refused request arrives although its body is still being sent") {
  OnePod t({.listener = "    requestLimits: { body: 1m }\n"});
  t.client.send(with_fields("Content-Length: 2000000\r\n"));
  CHECK(t.client.try_send(std::string(2'000'000, 'x')));
  CHECK(t.client.read_answer().status == 413);
  CHECK(t.client.expect_end() == StreamEnd::orderly);
}
