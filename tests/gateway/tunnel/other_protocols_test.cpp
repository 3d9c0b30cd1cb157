// Upgrades to other protocols pass only where a route names them (RFC 9110 7.8).
#include <sys/socket.h>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;

namespace {

std::string asking_for(std::string_view protocol) {
  return get("/", "Connection: Upgrade\r\nUpgrade: " + std::string(protocol) + "\r\n");
}

std::string switching_to(std::string_view protocol) {
  return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + std::string(protocol) +
         "\r\n\r\n";
}

}  // namespace

TEST_CASE("a protocol that is not named is stripped and served as plain HTTP") {
  for (const auto* route :
       {"", "    upgrade: [websocket]\n", "    upgrade: [chat]\n", "    upgrade: none\n"}) {
    CAPTURE(route);
    OnePod scene({.route = route});
    scene.client.send(asking_for("tcp"));
    auto pod = scene.backend.accept();
    const auto request = pod.read_request();
    CHECK_FALSE(request.has("Upgrade"));
    pod.send(ok("plain"));
    CHECK(scene.client.read_answer().body == "plain");
  }
}

TEST_CASE("a protocol that is named is tunnelled byte by byte") {
  for (const auto* route : {"    upgrade: [websocket, tcp]\n", "    upgrade: tcp\n", "    upgrade: any\n"}) {
    CAPTURE(route);
    OnePod scene({.route = route});
    scene.client.send(asking_for("tcp") + "early");
    auto pod = scene.backend.accept();
    CHECK(parse_request_head(pod.read_head()).field("Upgrade") == "tcp");
    pod.send(switching_to("tcp") + "first");
    CHECK(scene.client.read_head().starts_with("HTTP/1.1 101 "));
    scene.client.expect("first");
    pod.expect("early");
    scene.client.send("up");
    pod.expect("up");
    SECTION("no Close is put into what is no WebSocket: an end is an end") {
      pod.close();
      CHECK(scene.client.expect_end() == StreamEnd::orderly);
    }
    SECTION("one without TLS's close_notify counts as truncated (RFC 8446 6.1)") {
      ::shutdown(scene.client.fd(), SHUT_WR);
      (void)pod.expect_end();
      pod.close();
      wait_for_no_tunnels(scene.gateway);
      const auto truncated = [](const auto& c) { return c.tunnels_truncated.value(); };
      CHECK(scene.gateway.upstream("pods", truncated) == (tls_everywhere() ? 1 : 0));
    }
    SECTION("and a reset is a reset") {
      pod.reset();
      CHECK(scene.client.expect_end() == StreamEnd::reset);
    }
  }
}

TEST_CASE("a pod may switch only to what was passed on") {
  OnePod scene({.route = "    upgrade: [tcp]\n", .upstream = "    retry: off\n"});
  scene.client.send(get("/", "Connection: Upgrade\r\nUpgrade: tcp, h2c\r\n"));
  auto pod = scene.backend.accept();
  CHECK(parse_request_head(pod.read_head()).field("Upgrade") == "tcp");
  pod.send(switching_to("h2c") + "secret");
  const auto answer = scene.client.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.body.find("secret") == std::string::npos);
}
