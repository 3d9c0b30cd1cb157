// Which deadlines a tunnel has, and which it no longer has.
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

struct Scene {
  explicit Scene(const Setup& setup) : gateway(in_front_of(backend, setup)) {}
  ScriptedBackend backend;
  GatewayFixture gateway;
  Tunnelled both = open_tunnel(gateway, backend);
  RawClient& client = both.client;
  RawSocket& pod = both.pod;
};

}  // namespace

TEST_CASE("a 101 disarms every deadline of HTTP") {
  // A proxy's response timeout that went on after the 101 cut sockets after exactly its time.
  Scene scene(
      {.listener = "    timeouts: { requestHeader: 150ms, requestBody: 150ms, clientKeepalive: 150ms }\n",
       .upstream =
           "    timeouts: { responseHeader: 150ms, responseIdle: 150ms, poolIdle: 150ms, connect: 150ms }\n"
           "    retry: { total: 150ms }\n"
           "    hold: { maxWait: 150ms }\n"});
  CHECK_FALSE(scene.client.has_input(500ms));
  CHECK_FALSE(scene.pod.has_input(0ms));
  scene.both.echo("still here");
}

TEST_CASE("a socket silent both ways is ended with Close 1001 towards both") {
  Scene scene({.upstream = "    timeouts: { websocketIdle: 200ms }\n"});
  expect_close(scene.client, 1001);
  CHECK(scene.client.expect_end() == StreamEnd::orderly);
  expect_close(scene.pod, 1001);
  CHECK(scene.pod.expect_end() == StreamEnd::orderly);
  scene.client.close();
  wait_for_no_tunnels(scene.gateway);
}

TEST_CASE("words in one direction keep a socket from being idle") {
  Scene scene({.upstream = "    timeouts: { websocketIdle: 400ms }\n"});
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - began < 1200ms) {
    scene.pod.send(from_pod("tick"));
    scene.client.expect(from_pod("tick"));
    CHECK_FALSE(scene.client.has_input(50ms));
  }
  expect_close(scene.client, 1001);
}

TEST_CASE("a socket ends at the end of its lifetime, however busy, with Close 1001") {
  Scene scene({.upstream = "    timeouts: { websocketLifetime: 300ms }\n"});
  bool ended = false;
  for (int i = 0; i < 100'000 && !ended; ++i) {
    scene.pod.send(from_pod("tick"));
    const auto frame = read_frame(scene.client);
    ended = frame.opcode == Opcode::close;
    if (ended) CHECK(frame.payload.substr(0, 2) == std::string("\x03\xe9"));
  }
  CHECK(ended);
}

TEST_CASE("last words are bounded in time, also where another deadline falls into them") {
  // The lifetime ended while a lost pod's client still had its Close to read: nothing was armed any more, and
  // a client that never closes kept its tunnel for ever.
  Scene scene({.upstream = "    timeouts: { websocketLifetime: 300ms, websocketIdle: 350ms, fin: 600ms }\n"});
  scene.pod.close();
  expect_close(scene.client, 1012);
  wait_for_no_tunnels(scene.gateway);  // though the client never closes
  (void)scene.client.expect_end();
}

TEST_CASE("a side that stops reading is given up after the write stall") {
  SECTION("the client") {
    Scene scene({.upstream = "    timeouts: { writeStall: 1s }\n"});
    (void)stop_up(scene.gateway, scene.pod, from_pod(std::string(64'000'000, 'x')));
    wait_for_no_tunnels(scene.gateway);
    CHECK(tunnel_buffers(scene.gateway) == 0);
  }
  SECTION("the pod: the client is told") {
    Scene scene({.upstream = "    timeouts: { writeStall: 1s, fin: 500ms }\n"});
    (void)stop_up(scene.gateway, scene.client, from_client(std::string(64'000'000, 'x')));
    expect_close(scene.client, 1012);
    scene.client.close();
    wait_for_no_tunnels(scene.gateway);
    CHECK(tunnel_buffers(scene.gateway) == 0);
  }
  SECTION("the client, while the pod is slow but reads") {
    // Progress in one direction must not hide the stall of the other.
    Scene scene({.upstream = "    timeouts: { writeStall: 1s }\n"});
    (void)stop_up(scene.gateway, scene.pod, from_pod(std::string(64'000'000, 'x')));
    const auto block = from_client(std::string(100'000, 'y'));
    wait_until("the tunnel to end", [&] {
      if (scene.client.try_send(block)) (void)scene.pod.try_send({});
      (void)(scene.pod.has_input() ? scene.pod.read_some() : std::string());
      return tunnels(scene.gateway) == 0;
    });
  }
}
