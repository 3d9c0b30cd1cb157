// Published attacks on other proxies, tried on the whole gateway: what the pod receives, and what the client
// gets. Each test opens with what happened there. The rules behind them are tested in tests/wire/http.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const Setup kOneTry{.upstream = "    retry: off\n    hold: off\n"};

std::string post_with(const std::string& fields, const std::string& body,
                      const std::string& line = "POST / HTTP/1.1") {
  return line + "\r\nHost: a\r\n" + fields + "\r\n" + body;
}

// Answered 400 (or `status`) with the end of the connection, and not one byte reaches a pod.
void expect_refused(const std::string& bytes, int status = 400) {
  OnePod t;
  CAPTURE(bytes);
  t.client.send(bytes);
  const auto answer = t.client.read_answer();
  CHECK(answer.status == status);
  CHECK(answer.field("Connection") == "close");
  t.client.half_close();
  CHECK(t.client.read_to_end().empty());
  CHECK(t.backend.untouched());
}

// Answered 400 because of its body, whose end the pod never sees; nothing behind it becomes a request.
void expect_body_refused(const std::string& chunks) {
  OnePod t;
  CAPTURE(chunks);
  t.client.send(post_with("Transfer-Encoding: chunked\r\n", chunks));
  CHECK(t.client.read_answer().status == 400);
  t.client.half_close();
  CHECK(t.client.read_to_end().empty());
  if (!t.backend.has_connection()) return;
  auto pod = t.backend.accept();
  const auto received = pod.read_to_end();
  CHECK(received.find("/smuggled") == std::string::npos);
  CHECK_FALSE(received.ends_with("0\r\n\r\n"));
}

}  // namespace

// === framing of requests ===

TEST_CASE("CVE-2021-40346: a name that overflows another proxy's index does not hide a length") {
  // HAProxy kept the length of a name in eight bits: `Content-Length0aaa...` of 270 bytes became a
  // Content-Length of its own, and the body behind it a request of its own.
  OnePod t;
  t.client.send(post_with("Content-Length0" + std::string(255, 'a') +
                              ":\r\nContent-Length: " + std::to_string(kSmuggled.size()) + "\r\n",
                          kSmuggled + get("/next")));
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.count("Content-Length") == 1);
  CHECK(request.body == kSmuggled);
  CHECK_FALSE(pod.has_input());
  pod.send(ok("first"));
  CHECK(t.client.read_answer().body == "first");
  CHECK(pod.read_request().target == "/next");
}

TEST_CASE("CVE-2023-25725: an empty field name takes no framing field away") {
  // HAProxy dropped the fields behind an empty name after it had judged them.
  expect_refused(post_with(":\r\nContent-Length: 35\r\n", kSmuggled));
  expect_refused(post_with("Content-Length: 35\r\n: x\r\n", kSmuggled));
  expect_refused(post_with(":\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kSmuggled));
}

TEST_CASE("CVE-2023-40225: a pod never sees an empty Content-Length") {
  // HAProxy passed it on; servers took it for zero and the body for the next request.
  for (const std::string fields : {"Content-Length:\r\n", "Content-Length: \t\r\n", "Content-Length: ,\r\n",
                                   "Content-Length:\r\nContent-Length: 35\r\n", "Content-Length: 35,\r\n"})
    expect_refused(post_with(fields, kSmuggled));
}

TEST_CASE("a list of equal lengths and one with leading zeros reach the pod as one canonical length") {
  for (const std::string fields : {"Content-Length: 5, 5\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
                                   "Content-Length: 005\r\n"}) {
    CAPTURE(fields);
    OnePod t;
    t.client.send(post_with(fields, "hello"));
    auto pod = t.backend.accept();
    const auto request = pod.read_request();
    CHECK(request.count("Content-Length") == 1);
    CHECK(request.field("Content-Length") == "5");
  }
}

TEST_CASE("CVE-2026-2835: no request's body lasts until its connection ends") {
  // Pingora took requests in HTTP/1.0 and those with several Transfer-Encodings for such bodies; the pod saw
  // chunks, and then requests that no rule had looked at.
  expect_refused(post_with("Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + kSmuggled, "POST / HTTP/1.0"));
  for (const std::string fields : {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                                   "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: \r\n",
                                   "Transfer-Encoding: chunked;q=1\r\n"})
    expect_refused(post_with(fields, "0\r\n\r\n" + kSmuggled));
  expect_refused(post_with("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n" + kSmuggled), 501);
  // Without either field there is no body, and what follows in HTTP/1.0 is nothing at all.
  OnePod t;
  t.client.send(post_with("", kSmuggled, "POST / HTTP/1.0"));
  auto pod = t.backend.answer_one(ok("x"));
  CHECK(t.client.read_answer().body == "x");
  CHECK_FALSE(pod.has_input(std::chrono::milliseconds(20)));
}

TEST_CASE("CL.0, CVE-2026-29057: a body stays a body whatever the method") {
  // A proxy library sent DELETE and OPTIONS with `Content-Length: 0` and their bodies behind it.
  for (const std::string method : {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}) {
    for (const bool chunked : {false, true}) {
      CAPTURE(method, chunked);
      OnePod t;
      const auto size = std::to_string(kSmuggled.size());
      t.client.send(chunked
                        ? post_with("Transfer-Encoding: chunked\r\n", "23\r\n" + kSmuggled + "\r\n0\r\n\r\n",
                                    method + " / HTTP/1.1")
                        : post_with("Content-Length: " + size + "\r\n", kSmuggled, method + " / HTTP/1.1"));
      auto pod = t.backend.accept();
      const auto request = pod.read_request();
      CHECK(request.method == method);
      CHECK(request.body == kSmuggled);
      CHECK_FALSE(pod.has_input());
    }
  }
}

TEST_CASE(
    "CL.0, CVE-2025-4366: an answer of the gateway's own does not leave a body to be read as a request") {
  // Pingora served from its cache without reading the request's body, which then was the next request.
  GatewayFixture gateway(
      "listeners: [127.0.0.1:0]\nroutes:\n  - { path: /fixed, respond: { body: fixed } }\n"
      "  - { path: /moved, redirect: { to: /fixed } }\n"
      "  - { path: /smuggled, respond: { body: smuggled } }\n");
  for (const std::string target : {"/fixed", "/moved", "/none"}) {
    CAPTURE(target);
    RawClient client(gateway.port());
    client.send(post_with("Content-Length: 35\r\n", kSmuggled, "POST " + target + " HTTP/1.1"));
    CHECK(client.read_answer().field("Connection") == "close");
    client.half_close();
    CHECK(client.read_to_end().empty());
  }
}

TEST_CASE("0.CL: a length that only some would see is refused") {
  for (const std::string fields :
       {"Content-Length : 35\r\n", " Content-Length: 35\r\n", "Content-Length\t: 35\r\n",
        "Content-Length: +35\r\n", "X: y\r\n Content-Length: 35\r\n", "X: y\nContent-Length: 35\r\n",
        "X: y\rContent-Length: 35\r\n", "Content-Length: 0x23\r\n",
        "\x01"
        "Content-Length: 35\r\n",
        "Content-Length: 3 9\r\n", "Content-Length: 35\v\r\n"})
    expect_refused(post_with(fields, kSmuggled));
}

TEST_CASE("a length under the name of CGI does not reach the pod") {
  // WSGI and CGI know fields by HTTP_CONTENT_LENGTH alone, whichever sign stood between the words.
  OnePod t;
  t.client.send(get("/", "Content_Length: 39\r\nTransfer_Encoding: chunked\r\nX_Real_IP: 6.6.6.6\r\n"));
  auto pod = t.backend.accept();
  CHECK(pod.read_head().find('_') == std::string::npos);
}

// === chunks ===

TEST_CASE("TERM.EXT and EXT.TERM: a line feed within a chunk's extension ends neither line nor extension") {
  // One parser ended the size line at the bare LF, the other at the CRLF behind it: two requests for one of
  // them.
  expect_body_refused("2;\nxx\r\n23\r\n0\r\n\r\n" + kSmuggled);
  expect_body_refused("2\nxx\r\n0\r\n\r\n");
  expect_body_refused("2;\rxx\r\n0\r\n\r\n" + kSmuggled);
  expect_body_refused("2;a=\"\n\"\r\nxx\r\n0\r\n\r\n" + kSmuggled);
  expect_body_refused("2;a=\"\r\n\"\r\nxx\r\n0\r\n\r\n" + kSmuggled);
}

TEST_CASE("TERM.SPILL and SPILL.TERM: a chunk's data ends where its size says, with CRLF") {
  expect_body_refused("5\r\nhelloXX0\r\n\r\n" + kSmuggled);
  expect_body_refused("5\r\nhello\n0\r\n\r\n" + kSmuggled);
  expect_body_refused("5\r\nhello\r0\r\n\r\n" + kSmuggled);
  expect_body_refused("5\r\nhello0\r\n\r\n" + kSmuggled);
}

TEST_CASE("chunk sizes that overflow or are no hexadecimal number are refused") {
  for (const std::string size :
       {"10000000000000005", "ffffffffffffffff", "-5", "+5", "0x5", "5 5", " 5", "5_", ""})
    expect_body_refused(size + "\r\nhello\r\n0\r\n\r\n" + kSmuggled);
}

TEST_CASE("CVE-2023-39326: a body that is mostly chunk extensions is given up") {
  OnePod t;
  std::string chunks;
  for (int i = 0; i < 100; ++i) chunks += "1;" + std::string(1000, 'x') + "\r\na\r\n";
  t.client.send(post_with("Transfer-Encoding: chunked\r\n", chunks + "0\r\n\r\n"));
  CHECK(t.client.read_answer().status == 400);
}

// === Expect ===

TEST_CASE("CVE-2024-24791: a connection whose 100-continue got a final answer is not used again") {
  // Go's client sent the next request over it, and the pod read that as the body it still waited for.
  for (const std::string status : {"200 OK", "417 Expectation Failed", "404 Not Found"}) {
    CAPTURE(status);
    OnePod t;
    t.client.send(post_with("Content-Length: 35\r\nExpect: 100-continue\r\n", ""));
    auto pod = t.backend.accept();
    (void)pod.read_head();
    pod.send("HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n\r\nno");
    CHECK(t.client.read_answer().body == "no");
    // The body comes after all, or a request in its place: neither is one.
    CHECK(t.client.try_send(kSmuggled));
    t.client.half_close();
    (void)t.client.read_to_end();
    const auto rest = pod.read_to_end();
    CHECK((rest.empty() || rest == kSmuggled));  // as the body that was announced, or not at all
    RawClient other(t.gateway.port());
    other.send(get("/other"));
    auto fresh = t.backend.answer_one(ok("fresh"));
    CHECK(other.read_answer().body == "fresh");
  }
}

TEST_CASE("Expect-based desynchronisation: an expectation that is not exactly 100-continue is 417") {
  // `Expect: y 100-continue` made servers wait for a body that their proxy had sent already or never would.
  for (const std::string value :
       {"y 100-continue", "100-continue, 100-continue", "100-continue;q=1", "100", ""}) {
    CAPTURE(value);
    OnePod t;
    t.client.send(post_with("Content-Length: 35\r\nExpect: " + value + "\r\n", kSmuggled));
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 417);
    CHECK(answer.field("Connection") == "close");
    t.client.half_close();
    CHECK(t.client.read_to_end().empty());
    CHECK(t.backend.untouched());
  }
}

TEST_CASE("Expect-based desynchronisation: a 100 where no body was announced is not the answer") {
  // Proxies that took the 100 for the answer gave the real one to the next client.
  for (const std::string method : {"GET", "HEAD"}) {
    CAPTURE(method);
    OnePod t;
    t.client.send(post_with("Expect: 100-continue\r\n", "", method + " / HTTP/1.1"));
    auto pod = t.backend.answer_one("HTTP/1.1 100 Continue\r\n\r\n" + ok(method == "HEAD" ? "" : "own"));
    CHECK(t.client.read_answer().status == 100);
    CHECK(t.client.read_answer(method == "HEAD").status == 200);
    t.client.send(get("/next"));
    CHECK(pod.read_request().target == "/next");
    pod.send(ok("next"));
    CHECK(t.client.read_answer().body == "next");
  }
}

// === answers ===

TEST_CASE("response splitting: no value of a pod, of a variable or of a target ends a line of the head") {
  for (const std::string field : {"X: a\rSet-Cookie: evil=1\r\n", "X: a\nSet-Cookie: evil=1\r\n",
                                  "Set-Cookie: a\r\n evil=1\r\n", "X\rY: a\r\n"}) {
    CAPTURE(field);
    OnePod t(kOneTry);
    t.client.send(get());
    auto pod = t.backend.answer_one(ok("x", field));
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 502);
    CHECK(answer.head.find("evil") == std::string::npos);
  }
  GatewayFixture gateway(
      "listeners: [127.0.0.1:0]\n"
      "routes: [{ redirect: { to: 'https://$host$uri?$arg_to&$http_x_to&$cookie_to' } }]\n");
  RawClient client(gateway.port());
  client.send(get("/%0d%0aSet-Cookie:evil?to=%0d%0aSet-Cookie:evil",
                  "X-To: \tSet-Cookie:\tevil\r\nCookie: to=a\r\n"));
  const auto answer = client.read_answer();
  CHECK(answer.status == 308);
  CHECK(answer.count("Set-Cookie") == 0);
}

TEST_CASE("an answer with a NUL or a bare CR in its reason or fields is 502") {
  const std::string nul(1, '\0');
  for (const std::string& head :
       {"HTTP/1.1 200 O" + nul + "K\r\n\r\n", std::string("HTTP/1.1 200 O\rK\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nX: a" + nul + "b\r\n\r\n"}) {
    OnePod t(kOneTry);
    t.client.send(get());
    auto pod = t.backend.answer_one(head);
    CHECK(t.client.read_answer().status == 502);
  }
}

TEST_CASE("an answer to HEAD or a 304 is told with one canonical length or none") {
  OnePod t;
  t.client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n");
  CHECK_FALSE(t.client.read_answer(true).has("Content-Length"));
}

// === hop-by-hop fields ===

TEST_CASE("hop-by-hop abuse: what matters cannot be nominated away, by one field or several") {
  const std::string kept =
      "Cookie: a=b\r\nAuthorization: Bearer c\r\nOrigin: http://o\r\nContent-Type: text/plain\r\nVia: 1.1 "
      "v\r\n";
  for (const std::string nominations :
       {"Connection: close, Host, Content-Length, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, "
        "X-Real-IP, "
        "Cookie, Authorization, Origin, Content-Type, Via\r\n",
        "Connection: HOST\r\nConnection: content-length , x-forwarded-for\r\nConnection: X-forwarded-proto, "
        "x-Forwarded-host, x-real-ip\r\nConnection: cookie,authorization,,origin,content-type,via\r\n"}) {
    CAPTURE(nominations);
    OnePod t;
    t.client.send(post("hello", nominations + kept));
    auto pod = t.backend.accept();
    const auto request = pod.read_request();
    CHECK(request.body == "hello");
    for (const std::string name :
         {"Host", "Content-Length", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP",
          "Cookie", "Authorization", "Origin", "Content-Type", "Via"}) {
      CAPTURE(name);
      CHECK(request.count(name) == 1);
    }
    CHECK_FALSE(request.has("Connection"));
  }
}

TEST_CASE("hop-by-hop abuse: what a trusted proxy says of its client cannot be nominated away either") {
  for (const std::string believed : {"xForwardedFor", "forwarded"}) {
    CAPTURE(believed);
    OnePod t({.rest = "trustedProxies: [127.0.0.0/8]\nclientAddress: " + believed + "\n"});
    t.client.send(
        get("/",
            "Connection: X-Forwarded-For, Forwarded, X-Forwarded-Proto\r\nX-Forwarded-For: 6.6.6.6\r\n"
            "Forwarded: for=6.6.6.6;proto=https\r\nX-Forwarded-Proto: https\r\n"));
    auto pod = t.backend.accept();
    const auto request = pod.read_request();
    const bool forwarded = believed == "forwarded";
    CHECK(request.field("X-Forwarded-For") == (forwarded ? "6.6.6.6" : "6.6.6.6, 127.0.0.1"));
    CHECK(request.count("Forwarded") == (forwarded ? 2 : 0));
    if (forwarded) CHECK(request.head.find("Forwarded: for=6.6.6.6;proto=https\r\n") != std::string::npos);
    CHECK(request.field("X-Forwarded-Proto") == "https");
  }
}

TEST_CASE("hop-by-hop abuse: a pod cannot nominate away the framing of its answer or a client's cookies") {
  OnePod t;
  t.client.send(get());
  auto pod =
      t.backend.answer_one(ok("body",
                              "Connection: Content-Length, Set-Cookie, Content-Type\r\nSet-Cookie: a=1\r\n"
                              "Content-Type: text/plain\r\n"));
  const auto answer = t.client.read_answer();
  CHECK(answer.body == "body");
  CHECK(answer.field("Set-Cookie") == "a=1");
  CHECK(answer.field("Content-Type") == "text/plain");
}

// === towards TLS pods ===

TEST_CASE("CVE-2026-1642: bytes that come before the handshake with a TLS pod are no answer") {
  // nginx took clear text that somebody on the way put before the handshake for the pod's answer.
  ScriptedBackend pod;
  pod.serve([](RawSocket& socket) {
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    (void)socket.read_to_end();
  });
  GatewayFixture gateway(
      in_front_of(pod, {.upstream = "    tls: { verify: false }\n    retry: off\n    hold: off\n"}));
  RawClient client(gateway.port());
  const auto answer = client.get();
  CHECK(answer.status == 502);
  CHECK(answer.body.find("poison") == std::string::npos);
}
