// How answers are delimited on both sides, and what becomes of those that are cut or broken.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const Setup kOneTry{.upstream = "    retry: off\n"};

}  // namespace

TEST_CASE("RFC 9112 6.3: answers to HEAD, 204 and 304 have no body whatever their fields say") {
  OnePod t;
  SECTION("HEAD") {
    t.client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    const auto answer = t.client.read_answer(true);
    CHECK(answer.field("Content-Length") == "1000");  // of the representation
    t.client.send(get("/next"));
    CHECK(pod.read_request().target == "/next");
    pod.send(ok("x"));
    CHECK(t.client.read_answer().body == "x");
  }
  SECTION("HEAD, chunked") {
    t.client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"));
    auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    (void)t.client.read_answer(true);
    CHECK(pod.read_request().target == "/next");
    pod.send(ok("x"));
    CHECK(t.client.read_answer().body == "x");
  }
  SECTION("304") {
    t.client.send(get());
    auto pod = t.backend.answer_one("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n");
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 304);
    CHECK(answer.field("Content-Length") == "1000");
    t.client.send(get("/next"));
    CHECK(pod.read_request().target == "/next");
  }
  SECTION("204") {
    t.client.send(get());
    auto pod = t.backend.answer_one("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello");
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 204);
    CHECK_FALSE(answer.has("Content-Length"));
    t.client.send(get("/next"));  // the stray body condemned the first connection
    auto second = t.backend.answer_one(ok("x"));
    CHECK(t.client.read_answer().body == "x");
  }
}

TEST_CASE("RFC 9112 6.3: an answer delimited by the close becomes chunked for HTTP/1.1") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\n\r\nhello ");
  pod.send("world");
  pod.close();
  const auto answer = t.client.read_answer();
  CHECK(answer.chunked);
  CHECK(answer.body == "hello world");
  t.client.send(get("/next"));
  auto next = t.backend.answer_one(ok("x"));
  CHECK(t.client.read_answer().body == "x");
}

TEST_CASE("RFC 9112 6.1: HTTP/1.0 clients get no chunks but a body that ends with the connection") {
  OnePod t;
  t.client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  SECTION("chunked upstream") {
    auto pod = t.backend.answer_one(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n");
  }
  SECTION("delimited by the close upstream") {
    auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\n\r\nhello");
  }
  const auto answer = t.client.read_answer();
  CHECK_FALSE(answer.has("Transfer-Encoding"));
  CHECK(answer.field("Connection") == "close");
  CHECK(answer.body == "hello");
}

TEST_CASE("RFC 9112 8: a cut answer never looks whole") {
  OnePod t(kOneTry);
  auto end = StreamEnd::orderly;
  std::string body;
  const auto cut = [&](const std::string& request, const std::string& part, bool reset) {
    t.client.send(request);
    auto pod = t.backend.answer_one(part);
    (void)t.client.read_head();
    (void)t.client.read_some();  // the part has arrived before the cut
    reset ? pod.reset() : pod.close();
    body = t.client.read_to_end(&end);
  };
  SECTION("short of its Content-Length") {
    cut(get(), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", false);
  }
  SECTION("without its last chunk") {
    cut(get(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false);
    CHECK(body.find("0\r\n\r\n") == std::string::npos);
  }
  SECTION("within its last chunk") {
    cut(get(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n", false);
    CHECK(body.find("0\r\n\r\n") == std::string::npos);
  }
  SECTION("broken chunks") {
    cut(get(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n", false);
    CHECK(body.find("0\r\n\r\n") == std::string::npos);
  }
  SECTION("delimited by a close that is a reset") {
    cut(get(), "HTTP/1.1 200 OK\r\n\r\nhello", true);
    CHECK(body.find("0\r\n\r\n") == std::string::npos);
  }
  SECTION("the same to HTTP/1.0") {
    cut("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello", true);
  }
  SECTION("chunks cut, to HTTP/1.0") {
    cut("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        false);
  }
  CHECK(end == StreamEnd::reset);
  wait_until("the cut to be counted",
             [&] { return t.gateway.failures(gateway::FailureReason::response_incomplete) == 1; });
}

TEST_CASE("RFC 9112 6.3: an upstream answer with both framings keeps chunked, and its connection goes") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one(
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  const auto answer = t.client.read_answer();
  CHECK(answer.chunked);
  CHECK_FALSE(answer.has("Content-Length"));
  CHECK(answer.body == "hello");
  (void)pod.expect_end();
}

TEST_CASE("RFC 9112 4: an answer that is not HTTP is 502 with not one byte of it, and its connection goes") {
  for (const std::string bad :
       {"HTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "220 mail ESMTP secret\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX A: secret\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n secret\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x5\r\n\r\nsecret",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nsecret",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nsecret"}) {
    CAPTURE(bad);
    OnePod t(kOneTry);
    t.client.send(get());
    auto pod = t.backend.answer_one(bad);
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 502);
    CHECK(answer.field("Proxy-Status").find("error=http_protocol_error") != std::string::npos);
    CHECK((answer.head + answer.body).find("secret") == std::string::npos);
    (void)pod.expect_end();
    t.client.send(get("/next"));  // the client's own connection goes on
    auto next = t.backend.answer_one(ok("x"));
    CHECK(t.client.read_answer().body == "x");
  }
}

TEST_CASE("an answer's head over 64 KiB is 502") {
  OnePod t(kOneTry);
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nX-Large: " + std::string(70'000, 'a') + "\r\n\r\n");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.field("Proxy-Status").find("http_response_header_section_size") != std::string::npos);
}

TEST_CASE("a large answer's head passes") {
  OnePod t;
  t.client.send(get());
  const std::string value(50'000, 'a');
  auto pod = t.backend.answer_one(ok("x", "X-Large: " + value + "\r\n"));
  const auto answer = t.client.read_answer();
  CHECK(answer.field("X-Large") == value);
  CHECK(answer.body == "x");
}

TEST_CASE("bytes behind an answer condemn the endpoint's connection") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one(ok("x") + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  CHECK(t.client.read_answer().body == "x");
  (void)pod.expect_end();
  t.client.send(get("/2"));
  auto next = t.backend.answer_one(ok("clean"));
  CHECK(t.client.read_answer().body == "clean");
}

TEST_CASE("bytes that come later on an idle connection condemn it too") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one(ok("x"));
  CHECK(t.client.read_answer().body == "x");
  pod.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  t.client.send(get("/2"));
  auto next = t.backend.answer_one(ok("clean"));
  CHECK(t.client.read_answer().body == "clean");
  (void)pod.read_to_end();
}

TEST_CASE("RFC 9112 7.1.2: trailers pass both ways, behind chunked bodies only") {
  OnePod t;
  t.client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=1\r\nabc\r\n0\r\nX-Up: 1\r\n\r\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.body == "abc");
  CHECK(request.trailers == "X-Up: 1\r\n");
  CHECK_FALSE(request.has("X-Up"));  // never merged
  CHECK(request.field("TE") == "trailers");
  pod.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nxyz\r\n0\r\nX-Down: 2\r\n\r\n");
  const auto answer = t.client.read_answer();
  CHECK(answer.body == "xyz");
  CHECK(answer.trailers == "X-Down: 2\r\n");
  CHECK_FALSE(answer.has("X-Down"));
}

TEST_CASE("a route's header rules hold for trailers too, both ways") {
  OnePod t({.route = "    requestHeaders: { set: { X-User-Id: u }, remove: [X-Secret] }\n"
                     "    responseHeaders: { remove: [X-Inner] }\n"});
  t.client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\nX-User-Id: root\r\nX-Up: 1\r\nx.secret: s\r\n\r\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.trailers == "X-Up: 1\r\n");
  CHECK(request.field("X-User-Id") == "u");
  pod.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Inner: 1\r\nX-Down: 2\r\n\r\n");
  CHECK(t.client.read_answer().trailers == "X-Down: 2\r\n");
}

// Such a field once cost its message: a pod's Set-Cookie behind the body ended a whole 200 by a reset.
TEST_CASE("RFC 9110 6.5.1: fields of framing, routing and authentication are dropped from trailers") {
  OnePod t;
  t.client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\nContent-Length: 5\r\nHost: evil\r\nX-Up: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.body == "abc");
  CHECK(request.trailers == "X-Up: 1\r\n");
  pod.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n"
      "Set-Cookie: a=b\r\nX-Down: 2\r\nCache-Control: no-store\r\nVia: 1.1 pod\r\n\r\n");
  const auto answer = t.client.read_answer();
  CHECK(answer.body == "xyz");
  CHECK(answer.trailers == "X-Down: 2\r\n");
}

TEST_CASE("a field of the endpoint's that a careless reader takes for framing is left out") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one(
      "HTTP/1.1 103 Early Hints\r\nContent_Length: 9\r\nX-Hint: 1\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer_Encoding: chunked\r\nContent.Length: 1\r\nContent-Length: 3\r\n\r\nxyz");
  const auto all = t.client.read_head() + t.client.read_head();
  CHECK(all.find("X-Hint: 1\r\n") != std::string::npos);
  CHECK(all.find("Content-Length: 3\r\n") != std::string::npos);
  for (const std::string name : {"Content_Length", "Content.Length", "Transfer_Encoding"})
    CHECK(all.find(name) == std::string::npos);
}

TEST_CASE("RFC 9112 7.1.2: a malformed trailer of the endpoint's never looks like a whole answer") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\nX Down: 2\r\n\r\n");
  CHECK_THROWS_AS(t.client.read_answer(), Unexpected);
}
