// Published attacks by way of an upgrade, tried on the whole gateway. Each test opens with what happened to
// other proxies.
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;

namespace {

const std::string kSmuggled = "GET /internal HTTP/1.1\r\nHost: test\r\n\r\n";
constexpr const char* kOneTry = "    retry: off\n    hold: off\n";

// A gateway whose pod is not to be asked for /internal.
struct Guarded {
  explicit Guarded(const std::string& route = "", const std::string& upstream = "")
      : gateway(
            "listeners: [127.0.0.1:0]\nroutes:\n"
            "  - { path: /internal, respond: { status: 403, body: no } }\n"
            "  - path: /\n    upstream: pods\n" +
            route + "upstreams:\n  pods:\n    endpoints: [" + backend.address() + "]\n" + upstream),
        client(gateway.port()) {}

  // The smuggled request meets the route that forbids it, and the pod sees nothing of it.
  void expect_guarded(RawSocket& pod) {
    CHECK(client.read_answer().status == 403);
    if (pod.has_input()) CHECK_NOTHROW(pod.expect_end());
    CHECK_FALSE(backend.has_connection());
    CHECK(tunnels(gateway) == 0);
  }

  ScriptedBackend backend;
  GatewayFixture gateway;
  RawClient client;
};

std::string with_version(const std::string& version) {
  auto text = handshake();
  const std::string field = "Sec-WebSocket-Version: 13";
  return text.replace(text.find(field), field.size(), "Sec-WebSocket-Version: " + version);
}

}  // namespace

TEST_CASE("WebSocket smuggling: behind a handshake with a wrong version no tunnel is open") {
  // The pod answered 426, the proxy had not looked and kept a raw connection to the pod, past all its rules.
  for (const std::string version : {"777", "1337", "12", "013", "13 "}) {
    CAPTURE(version);
    Guarded t;
    t.client.send(with_version(version) + kSmuggled);
    if (version == "13 ") {  // blanks at the end of a value mean nothing: this one is valid
      auto pod = t.backend.accept();
      CHECK(pod.read_request().field("Sec-WebSocket-Version") == "13");
      CHECK_FALSE(pod.has_input(std::chrono::milliseconds(20)));
      continue;
    }
    CHECK(t.client.read_answer().status == 426);
    CHECK(t.client.read_answer().status == 403);
    CHECK(t.backend.untouched());
  }
}

TEST_CASE("WebSocket smuggling: a 426 or an error of the pod's own leaves no tunnel open either") {
  for (const std::string status : {"426 Upgrade Required", "400 Bad Request", "200 OK", "500 Error"}) {
    CAPTURE(status);
    Guarded t("", kOneTry);
    t.client.send(handshake() + kSmuggled);
    auto pod = t.backend.accept();
    (void)pod.read_request();
    pod.send("HTTP/1.1 " + status +
             "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n");
    CHECK(t.client.read_answer().status == std::stoi(status));
    t.expect_guarded(pod);
  }
}

TEST_CASE("WebSocket smuggling: a 101 that a client makes the pod say is no switch") {
  // A page of the pod that fetches a URL of the client's choice answered with the status that it met there:
  // 101, and the proxy opened the tunnel.
  SECTION("to a request that asks for no upgrade") {
    Guarded t("", kOneTry);
    t.client.send(get("/check?url=http://evil/101") + kSmuggled);
    auto pod = t.backend.answer_one(switching());
    CHECK(t.client.read_answer().status == 502);
    t.expect_guarded(pod);
  }
  SECTION("to a POST with a body") {
    Guarded t("", kOneTry);
    t.client.send(post("url=http://evil/101", "Connection: Upgrade\r\nUpgrade: foo\r\n") + kSmuggled);
    auto pod = t.backend.answer_one(switching());
    CHECK(t.client.read_answer().status == 502);
    CHECK(tunnels(t.gateway) == 0);
    CHECK_NOTHROW(pod.expect_end());
  }
  SECTION("to a handshake, but without the proof that the pod has read it") {
    Guarded t("", kOneTry);
    t.client.send(handshake() + kSmuggled);
    auto pod = t.backend.answer_one(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    CHECK(t.client.read_answer().status == 502);
    t.expect_guarded(pod);
  }
}

TEST_CASE("CVE-2026-2833: bytes behind a wish for another protocol are judged as requests") {
  // Pingora passed everything behind an Upgrade field on raw, before the pod had answered.
  for (const std::string fields :
       {"Upgrade: foo\r\n", "Connection: Upgrade\r\nUpgrade: foo\r\n",
        "Connection: Upgrade\r\nUpgrade: WebSockets\r\n",
        "Connection: keep-alive\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"}) {
    CAPTURE(fields);
    Guarded t;
    t.client.send(get("/", fields) + kSmuggled);
    auto pod = t.backend.accept();
    CHECK_FALSE(pod.read_request().has("Upgrade"));
    CHECK_FALSE(pod.has_input(std::chrono::milliseconds(20)));
    pod.send(ok("plain"));
    CHECK(t.client.read_answer().body == "plain");
    t.expect_guarded(pod);
  }
}

TEST_CASE("CVE-2026-88008, h2c smuggling: no route passes HTTP/2 on, however it is spelled or spread") {
  // A proxy that relays `Upgrade: h2c` opens a channel in which it sees no request any more.
  const std::string settings = "HTTP2-Settings: AAMAAABkAAQAAP__\r\n";
  for (const std::string route : {"", "    upgrade: any\n"}) {
    for (const std::string fields :
         {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
          "Connection: Upgrade\r\nUpgrade: H2C\r\n",
          "Connection: HTTP2-Settings\r\nConnection: upgrade\r\nUpgrade: h2c\r\n",
          "Connection: Upgrade\r\nUpgrade: foo\r\nUpgrade: h2c\r\n",
          "Connection: Upgrade\r\nUpgrade: foo, h2c\r\n", "Connection: Upgrade\r\nUpgrade: h2c/1\r\n",
          "Connection: Upgrade\r\nUpgrade: \"h2c\"\r\n"}) {
      CAPTURE(route, fields);
      Guarded t(route, kOneTry);
      t.client.send(get("/", fields + settings));
      auto pod = t.backend.accept();
      const auto request = pod.read_request();
      CHECK(request.head.find("h2c") == std::string::npos);
      CHECK(request.head.find("H2C") == std::string::npos);
      CHECK_FALSE(request.has("HTTP2-Settings"));
      // A pod that switches to it all the same is not believed.
      pod.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
      CHECK(t.client.read_answer().status == 502);
      CHECK(tunnels(t.gateway) == 0);
    }
  }
}

TEST_CASE("CVE-2026-58055: a body behind a handshake is never a request, nor frames") {
  // nghttpx sent it on; a pod that reads no body of an upgrade took it for the next request.
  for (const std::string fields : {"Content-Length: 38\r\n", "Transfer-Encoding: chunked\r\n"}) {
    CAPTURE(fields);
    Guarded t;
    t.client.send(handshake(fields) + kSmuggled);
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 400);
    CHECK(answer.field("Connection") == "close");
    t.client.half_close();
    CHECK(t.client.read_to_end().empty());
    CHECK(t.backend.untouched());
  }
}

TEST_CASE("hop-by-hop abuse: what a handshake is made of cannot be nominated away") {
  Guarded t;
  t.client.send(handshake(
      "Connection: Sec-WebSocket-Key, Sec-WebSocket-Version, Origin, Cookie, Host, X-Forwarded-For, X-Own\r\n"
      "Origin: http://o\r\nCookie: a=b\r\nX-Own: 1\r\n"));
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  for (const std::string name :
       {"Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin", "Cookie", "Host", "X-Forwarded-For"}) {
    CAPTURE(name);
    CHECK(request.count(name) == 1);
  }
  CHECK_FALSE(request.has("X-Own"));
  CHECK(request.field("Connection") == "Upgrade");
}
