// What a client's opening handshake must be (RFC 6455 4.2.1, RFC 9110 7.8), before anything reaches a pod.
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;

namespace {

std::string with(std::string text, std::string_view field, std::string_view replacement) {
  const auto at = text.find(field);
  const auto end = text.find("\r\n", at) + 2;
  return text.replace(at, end - at, replacement);
}

}  // namespace

TEST_CASE("RFC 6455 4.2.1: an invalid handshake is answered 400 and reaches no pod") {
  struct Row {
    const char* name;
    std::string request;
  };
  const Row rows[] = {
      {"no key", with(handshake(), "Sec-WebSocket-Key", "")},
      {"a short key", with(handshake(), "Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ=\r\n")},
      {"no base64",
       with(handshake(), "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n")},
      {"two keys", handshake("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")},
      {"a body", handshake("Content-Length: 5\r\n") + "hello"},
      {"a chunked body", handshake("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
      {"another method", with(handshake("Content-Length: 0\r\n"), "GET /app", "POST /app HTTP/1.1\r\n")},
  };
  OnePod scene;
  for (const auto& row : rows) {
    CAPTURE(row.name);
    RawClient client(scene.gateway.port());
    client.send(row.request);
    CHECK(client.read_answer().status == 400);
  }
  CHECK(scene.backend.untouched());
  CHECK(tunnels(scene.gateway) == 0);
}

TEST_CASE(
    "RFC 6455 4.4: another version is answered 426 with the one that is spoken, and no tunnel is left open") {
  for (const auto* version : {"8", "0", "14", "13, 8", "thirteen"}) {
    CAPTURE(version);
    OnePod scene;
    scene.client.send(with(handshake(), "Sec-WebSocket-Version",
                           "Sec-WebSocket-Version: " + std::string(version) + "\r\n"));
    const auto answer = scene.client.read_answer();
    CHECK(answer.status == 426);
    CHECK(answer.field("Sec-WebSocket-Version") == "13");
    // What follows is HTTP and is never carried as it is.
    scene.client.send(get("/after"));
    auto pod = scene.backend.accept();
    CHECK(pod.read_request().target == "/after");
    pod.send(ok("plain"));
    CHECK(scene.client.read_answer().body == "plain");
  }
}

TEST_CASE("RFC 9110 7.8: h2c is never passed on, alone or beside websocket") {
  SECTION("alone it is stripped with its settings, and the request is plain HTTP") {
    OnePod scene;
    scene.client.send(
        get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"));
    auto pod = scene.backend.accept();
    const auto request = pod.read_request();
    CHECK_FALSE(request.has("Upgrade"));
    CHECK_FALSE(request.has("HTTP2-Settings"));
    pod.send(ok("plain"));
    CHECK(scene.client.read_answer().body == "plain");
  }
  SECTION("beside websocket only websocket is offered to the pod") {
    OnePod scene;
    scene.client.send(with(handshake(), "Upgrade:", "Upgrade: h2c, websocket\r\n"));
    auto pod = scene.backend.accept();
    CHECK(pod.read_request().field("Upgrade") == "websocket");
    pod.send(switching());
    CHECK(scene.client.read_head().starts_with("HTTP/1.1 101 "));
  }
  SECTION("split over two fields") {
    OnePod scene;
    scene.client.send(handshake("Upgrade: h2c\r\n"));
    auto pod = scene.backend.accept();
    const auto request = pod.read_request();
    CHECK(request.count("Upgrade") == 1);
    CHECK(request.field("Upgrade") == "websocket");
    pod.send(switching());
    CHECK(scene.client.read_head().starts_with("HTTP/1.1 101 "));
  }
}

TEST_CASE("RFC 9110 7.8: an upgrade in HTTP/1.0 is ignored") {
  OnePod scene;
  auto request = handshake();
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  scene.client.send(request);
  auto pod = scene.backend.accept();
  CHECK_FALSE(pod.read_request().has("Upgrade"));
  pod.send(ok("plain"));
  CHECK(scene.client.read_answer().status == 200);
}

TEST_CASE("RFC 6455 4.1: a handshake is passed on with its own fields, on a fresh connection") {
  OnePod scene;
  // An idle connection is in the pool.
  scene.client.send(get());
  auto pooled = scene.backend.answer_one(ok("first"));
  CHECK(scene.client.read_answer().status == 200);
  scene.client.send(
      handshake("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: http://a.example\r\n"
                "Cookie: a=1\r\nCookie: b=2\r\nConnection: X-Secret\r\nX-Secret: 1\r\n"));
  auto pod = scene.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.field("Connection") == "Upgrade");
  CHECK(request.field("Upgrade") == "websocket");
  CHECK(request.field("Sec-WebSocket-Key") == kKey);
  CHECK(request.field("Sec-WebSocket-Version") == "13");
  CHECK(request.count("Sec-WebSocket-Protocol") == 2);
  CHECK(request.field("Sec-WebSocket-Extensions") == "permessage-deflate");
  CHECK(request.field("Origin") == "http://a.example");
  CHECK(request.count("Cookie") == 2);
  CHECK_FALSE(request.has("X-Secret"));
  CHECK_FALSE(pooled.has_input());
}

TEST_CASE("bytes behind a handshake wait for the 101 and follow it") {
  OnePod scene;
  const auto early = from_client("early");
  scene.client.send(handshake() + early);
  auto pod = scene.backend.accept();
  (void)pod.read_head();
  CHECK_FALSE(pod.has_input(std::chrono::milliseconds(50)));
  pod.send(switching());
  pod.expect(early);
  CHECK(scene.client.read_head().starts_with("HTTP/1.1 101 "));
}

TEST_CASE("bytes behind a handshake that is not switched are the next request, and nothing else") {
  for (const int status : {200, 401, 403, 404, 426, 429}) {
    CAPTURE(status);
    OnePod scene;
    scene.client.send(handshake() + get("/smuggled"));
    auto pod = scene.backend.accept();
    (void)pod.read_head();
    pod.send("HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: 2\r\n\r\nno");
    CHECK(scene.client.read_answer().status == status);
    // The same connection of the pod may be used again: what counts is that it is a request of its own.
    auto next = pod.has_input(std::chrono::milliseconds(0)) ? std::move(pod) : RawSocket();
    if (!next) {
      wait_until("the next request", [&] { return pod.has_input() || scene.backend.has_connection(); });
      next = pod.has_input() ? std::move(pod) : scene.backend.accept();
    }
    const auto request = next.read_request();
    CHECK(request.target == "/smuggled");
    CHECK(request.has("X-Forwarded-For"));  // written anew by the gateway
    next.send(ok("next"));
    CHECK(scene.client.read_answer().body == "next");
  }
}

TEST_CASE("upgrade: none strips the handshake of a WebSocket") {
  OnePod scene({.route = "    upgrade: none\n"});
  scene.client.send(handshake());
  auto pod = scene.backend.accept();
  CHECK_FALSE(pod.read_request().has("Upgrade"));
  pod.send(ok("plain"));
  CHECK(scene.client.read_answer().body == "plain");
}
