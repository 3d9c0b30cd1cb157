// Interim answers (1xx) and the Expect field.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
const std::string kHints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";

}  // namespace

TEST_CASE("RFC 9110 10.1.1: 100-continue is asked of the endpoint, and its 100 is relayed once") {
  OnePod t;
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  auto pod = t.backend.accept();
  CHECK(parse_request_head(pod.read_head()).field("Expect") == "100-continue");
  CHECK_FALSE(t.client.has_input());  // the gateway does not answer in the endpoint's place
  pod.send(kContinue);
  CHECK(t.client.read_answer().status == 100);
  t.client.send("hello");
  pod.expect("hello");
  pod.send(kContinue + ok("done"));  // a second one is not passed on
  CHECK(t.client.read_answer().body == "done");
}

TEST_CASE("RFC 9110 10.1.1: a final answer instead of 100 spares the body") {
  OnePod t;
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  auto pod = t.backend.accept();
  (void)pod.read_head();
  pod.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 401);
  // Nobody knows whether the body still comes: both connections end, and what comes is no request.
  CHECK(answer.field("Connection") == "close");
  t.client.send("GET /");
  t.client.half_close();
  CHECK(t.client.read_to_end().empty());
  (void)pod.expect_end();
}

TEST_CASE("RFC 9110 10.1.1: with no endpoint the final status comes without the body being read") {
  ScriptedBackend backend;
  backend.refuse();
  GatewayFixture gateway(in_front_of(backend, {.upstream = "    hold: off\n    retry: off\n"}));
  RawClient client(gateway.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  const auto answer = client.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.field("Connection") == "close");
}

TEST_CASE("RFC 9110 15.2: other interim answers pass to HTTP/1.1, any number of them") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one(kHints + kHints + ok("x"));
  const auto first = t.client.read_answer();
  CHECK(first.status == 103);
  CHECK(first.field("Link") == "</a.css>");
  CHECK(t.client.read_answer().status == 103);
  CHECK(t.client.read_answer().body == "x");
  t.client.send(get("/2"));  // and the connection goes on
  CHECK(pod.read_request().target == "/2");
}

TEST_CASE("RFC 9110 15.2: interim answers do not pass to HTTP/1.0") {
  OnePod t;
  t.client.send("GET / HTTP/1.0\r\n\r\n");
  auto pod = t.backend.answer_one(kContinue + kHints + ok("x"));
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == "x");
}

TEST_CASE("RFC 9110 15.2: an endless row of interim answers is 502") {
  OnePod t({.upstream = "    retry: off\n"});
  t.client.send("GET / HTTP/1.0\r\n\r\n");
  std::string row;
  for (int i = 0; i < 100; ++i) row += kHints;
  auto pod = t.backend.answer_one(row + ok("x"));
  CHECK(t.client.read_answer().status == 502);
}

TEST_CASE("RFC 9110 15.2.2: a 101 that nobody asked for is 502, and its connection goes") {
  OnePod t({.upstream = "    retry: off\n"});
  t.client.send(get());
  auto pod = t.backend.answer_one(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw bytes");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.body.find("raw bytes") == std::string::npos);
  (void)pod.expect_end();
}

TEST_CASE("RFC 9112 6.3: a 1xx has no body although it states one") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + ok("x"));
  const auto hints = t.client.read_answer();
  CHECK(hints.status == 103);
  CHECK_FALSE(hints.has("Content-Length"));
  CHECK(t.client.read_answer().body == "x");
}
