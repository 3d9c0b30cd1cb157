// What a route does about the frames of its WebSockets: faults, limits, rates, pings, and the order of
// leaving.
#include <thread>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using tidegate::tests::encode;
using tidegate::websocket::Sender;

namespace {

struct Scene {
  explicit Scene(const std::string& websocket, const std::string& upstream = "", const std::string& rest = "")
      : gateway(in_front_of(
            backend, {.route = "    webSocket: " + websocket + "\n", .upstream = upstream, .rest = rest})) {}

  [[nodiscard]] std::uint64_t ended(tidegate::gateway::TunnelEnd end) const {
    return gateway.upstream("pods", [end](const auto& c) {
      return c.tunnel_ends_by_reason[static_cast<std::size_t>(end)].value();
    });
  }

  ScriptedBackend backend;
  GatewayFixture gateway;
  Tunnelled both = open_tunnel(gateway, backend);
  RawClient& client = both.client;
  RawSocket& pod = both.pod;
};

std::string reason_of(const tidegate::tests::Frame& close) {
  return close.payload.size() > 2 ? close.payload.substr(2) : "";
}

// The next frame is a Close with this code and reason.
void expect_close(RawSocket& socket, std::uint16_t code, std::string_view reason) {
  const auto frame = read_frame(socket);
  REQUIRE(frame.opcode == Opcode::close);
  CHECK(frame.payload.substr(0, 2) == std::string{static_cast<char>(code >> 8), static_cast<char>(code)});
  CHECK(reason_of(frame) == reason);
}

}  // namespace

// === faults ===

TEST_CASE("a client that breaks the protocol: both sides get Close 1002, and nothing of the fault goes on") {
  Scene scene("{}");
  const auto good = from_client("good");
  scene.client.send(good + from_pod("unmasked") + from_client("more"));
  scene.pod.expect(good);
  expect_close(scene.pod, 1002, "masked by the wrong side");
  expect_close(scene.client, 1002, "masked by the wrong side");
  scene.client.close();
  scene.pod.close();
  wait_for_no_tunnels(scene.gateway);
  CHECK(scene.ended(tidegate::gateway::TunnelEnd::protocol_error) == 1);
}

TEST_CASE("a pod that breaks the protocol: likewise") {
  Scene scene("{}");
  scene.pod.send(from_pod("good") + "\xc1\x01x");  // RSV1 without an extension
  scene.client.expect(from_pod("good"));
  expect_close(scene.client, 1002, "reserved bits are set");
  expect_close(scene.pod, 1002, "reserved bits are set");
}

TEST_CASE("inspect: watch lets everything pass, off as well") {
  for (const std::string inspect : {"{ inspect: watch }", "{ inspect: off }"}) {
    CAPTURE(inspect);
    Scene scene(inspect);
    const auto bytes = from_client("good") + from_pod("unmasked") + "\xff\xff\xff"s;
    scene.client.send_split(bytes, 3);
    scene.pod.expect(bytes);
    scene.pod.send(bytes);
    scene.client.expect(bytes);
  }
}

TEST_CASE("inspect: off puts in no Close of the gateway's own") {
  Scene scene("{ inspect: off }");
  scene.both.echo("hello");
  scene.pod.close();
  CHECK(scene.client.expect_end() == StreamEnd::orderly);
}

TEST_CASE("a permessage-deflate frame passes where it was agreed on") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend));
  auto both = open_tunnel(gateway, backend, "Sec-WebSocket-Extensions: permessage-deflate\r\n",
                          "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  const auto compressed = encode({Opcode::text, true, "not looked at", 0x40}, Sender::server);
  both.pod.send(compressed);
  both.client.expect(compressed);
}

// === limits ===

TEST_CASE("frames and messages of clients over their limits end with 1009, the pod's are its own affair") {
  for (const bool fragments : {false, true}) {
    CAPTURE(fragments);
    Scene scene("{ maxFrame: 100, maxMessage: 150 }");
    scene.pod.send(from_pod(std::string(1'000, 'p')));
    scene.client.expect(from_pod(std::string(1'000, 'p')));
    const auto fits = encode({Opcode::text, !fragments, std::string(100, 'x'), 0}, Sender::client);
    scene.client.send(fits);
    scene.pod.expect(fits);
    scene.client.send(fragments
                          ? encode({Opcode::continuation, true, std::string(51, 'x'), 0}, Sender::client)
                          : from_client(std::string(101, 'x')));
    const std::string reason = fragments ? "message too big" : "frame too big";
    expect_close(scene.client, 1009, reason);
    expect_close(scene.pod, 1009, reason);
  }
}

TEST_CASE("a client over its rate is read later, or closed with 1008") {
  const auto message = from_client("m");
  SECTION("pause") {
    Scene scene("{ maxRate: { messagesPerSecond: 20, burst: 100ms } }");
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 12; ++i) {
      scene.client.send(message);
      scene.pod.expect(message);
    }
    CHECK(std::chrono::steady_clock::now() - began > 300ms);
  }
  SECTION("close") {
    Scene scene("{ maxRate: { bytesPerSecond: 100, burst: 1s, over: close } }");
    scene.client.send(from_client(std::string(200, 'x')));
    scene.pod.expect(from_client(std::string(200, 'x')));
    expect_close(scene.client, 1008, "too many messages");
    expect_close(scene.pod, 1008, "too many messages");
  }
}

// === pings ===

TEST_CASE("a silent client is pinged, and its pong is not the pod's affair") {
  Scene scene("{ ping: { client: 100ms, deadAfter: 100 } }");
  for (int i = 0; i < 3; ++i) {
    const auto ping = read_frame(scene.client);
    CHECK(ping.opcode == Opcode::ping);
    CHECK(ping.payload.size() == 8);
    scene.client.send_split(from_client(ping.payload, Opcode::pong), 5);
  }
  scene.client.send(from_client("other", Opcode::pong));
  scene.pod.expect(from_client("other", Opcode::pong));
}

TEST_CASE("a silent pod is pinged, masked as a client's frame is") {
  Scene scene("{ ping: { upstream: 100ms, deadAfter: 100 } }");
  const auto ping = read_frame(scene.pod);
  CHECK(ping.opcode == Opcode::ping);
  scene.pod.send(from_pod(ping.payload, Opcode::pong) + from_pod("hello"));
  scene.client.expect(from_pod("hello"));
}

TEST_CASE("who does not answer is dead, and the other side gets Close 1001") {
  SECTION("the client") {
    Scene scene("{ ping: { client: 100ms, deadAfter: 3 } }", "    timeouts: { fin: 100ms }\n");
    expect_close(scene.pod, 1001, "client is silent");
    wait_for_no_tunnels(scene.gateway);
    CHECK(scene.ended(tidegate::gateway::TunnelEnd::client_silent) == 1);
  }
  SECTION("the pod") {
    Scene scene("{ ping: { upstream: 100ms, deadAfter: 3 } }", "    timeouts: { fin: 100ms }\n");
    expect_close(scene.client, 1001, "upstream is silent");
    wait_for_no_tunnels(scene.gateway);
    CHECK(scene.ended(tidegate::gateway::TunnelEnd::pod_silent) == 1);
  }
}

TEST_CASE("RFC 6455 5.5.3: while the pod waits for its pong the gateway does not ping") {
  Scene scene("{ ping: { client: 100ms, deadAfter: 8 } }");
  scene.pod.send(from_pod("mine", Opcode::ping));
  const auto ping = read_frame(scene.client);
  CHECK(ping.payload == "mine");
  CHECK_FALSE(scene.client.has_input(300ms));
  scene.client.send(from_client("mine", Opcode::pong));
  scene.pod.expect(from_client("mine", Opcode::pong));
  CHECK(read_frame(scene.client).payload.size() == 8);
}

TEST_CASE("a ping waits for the end of the frame that is under way") {
  Scene scene("{ ping: { client: 100ms, deadAfter: 100 } }");
  const auto frame = from_pod("a frame in two parts");
  scene.pod.send(frame.substr(0, 10));
  scene.client.expect(frame.substr(0, 10));
  CHECK_FALSE(scene.client.has_input(300ms));
  scene.pod.send(frame.substr(10));
  scene.client.expect(frame.substr(10));
  CHECK(read_frame(scene.client).opcode == Opcode::ping);
}

// === leaving ===

TEST_CASE("the pod is told first, and what it still says reaches the client before the Close") {
  Scene scene("{}", "    timeouts: { websocketLifetime: 200ms }\n");
  expect_close(scene.pod, 1001, "maximum lifetime reached");
  scene.client.send(from_client("too late"));  // goes nowhere: the pod reads no more
  scene.pod.send(from_pod("last words"));
  scene.client.expect(from_pod("last words"));
  scene.pod.send(close_from_pod(1001));
  expect_close(scene.client, 1001, "maximum lifetime reached");
  CHECK(scene.client.expect_end() == StreamEnd::orderly);
  CHECK(scene.pod.expect_end() == StreamEnd::orderly);
}

TEST_CASE("a pod that does not answer is waited for one second") {
  Scene scene("{}", "    timeouts: { websocketLifetime: 200ms }\n");
  expect_close(scene.pod, 1001, "maximum lifetime reached");
  CHECK_FALSE(scene.client.has_input(500ms));
  expect_close(scene.client, 1001, "maximum lifetime reached");
}

TEST_CASE("a pod has its second to answer when its client reads again, not while it does not") {
  // It had passed when the client read on, which was cut off in the middle of a frame.
  Scene scene("{}", "", "shutdown: { window: 100ms, deadline: 60s }\n");
  auto silent = open_tunnel(scene.gateway, scene.backend);
  const auto frame = from_pod(std::string(64'000'000, 'x'));
  const auto sent = stop_up(scene.gateway, scene.pod, frame);
  scene.gateway.shut_down();
  expect_close(scene.pod, 1001, "gateway is shutting down");
  expect_close(silent.client, 1001, "gateway is shutting down");  // its pod's second is over
  std::jthread rest([&] {
    scene.pod.send(std::string_view(frame).substr(sent));
    scene.pod.send(close_from_pod(1001));
  });
  auto client = scene.client.copy();
  const auto got = client.read_exactly(frame.size());
  CHECK((got == frame));
  expect_close(client, 1001, "gateway is shutting down");
}

TEST_CASE("at the deadline of a drain the pod is let go, whatever its client has not read") {
  Scene scene("{}", "    drain: { window: 100ms, deadline: 200ms }\n");
  (void)stop_up(scene.gateway, scene.pod, from_pod(std::string(64'000'000, 'x')));
  scene.gateway.order(scene.backend.address(), tidegate::upstream::AdminOrder::drain);
  expect_close(scene.pod, 1012, "endpoint is leaving");
  CHECK(scene.pod.expect_end() == StreamEnd::orderly);
  auto end = StreamEnd::reset;
  (void)scene.client.read_to_end(&end);
  CHECK(end == StreamEnd::orderly);  // in the middle of a frame, where no Close can stand
  scene.client.close();
  wait_for_no_tunnels(scene.gateway);
  CHECK(scene.ended(tidegate::gateway::TunnelEnd::drained) == 1);
}

TEST_CASE("a client in the middle of a frame may end it before the pod is told") {
  Scene scene("{}", "    timeouts: { websocketLifetime: 200ms }\n");
  const auto frame = from_client(std::string(100, 'x'));
  scene.client.send(frame.substr(0, 50));
  scene.pod.expect(frame.substr(0, 50));
  CHECK_FALSE(scene.pod.has_input(400ms));
  scene.client.send(frame.substr(50));
  scene.pod.expect(frame.substr(50));
  expect_close(scene.pod, 1001, "maximum lifetime reached");
}

TEST_CASE("a pod that is lost while it is left: the client still learns why it was left") {
  Scene scene("{}", "    timeouts: { websocketLifetime: 200ms }\n");
  expect_close(scene.pod, 1001, "maximum lifetime reached");
  scene.pod.reset();
  expect_close(scene.client, 1001, "maximum lifetime reached");
}
