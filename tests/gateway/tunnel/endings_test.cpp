// How tunnels end when one side is lost: the other gets a proper end, and exactly one.
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

struct Scene {
  explicit Scene(const Setup& setup = {}) : gateway(in_front_of(backend, setup)) {}
  ScriptedBackend backend;
  GatewayFixture gateway;
  Tunnelled both = open_tunnel(gateway, backend);
  RawClient& client = both.client;
  RawSocket& pod = both.pod;

  [[nodiscard]] std::uint64_t truncated() const {
    return gateway.upstream("pods", [](const auto& c) { return c.tunnels_truncated.value(); });
  }
};

void lose(RawSocket& socket, bool by_reset) {
  if (by_reset) {
    socket.reset();
  } else {
    socket.close();
  }
}

}  // namespace

TEST_CASE("a client that resets its connection takes the pod's along") {
  Scene scene;
  scene.both.echo("hello");
  scene.client.reset();
  (void)scene.pod.expect_end();
  wait_for_no_tunnels(scene.gateway);
}

TEST_CASE("a client that ends without a Close is passed on as such") {
  Scene scene;
  scene.both.echo("hello");
  scene.client.close();
  CHECK(scene.pod.expect_end() == StreamEnd::orderly);
  scene.pod.close();
  wait_for_no_tunnels(scene.gateway);
}

TEST_CASE("a pod lost between two frames: the client gets one Close 1012 and then the end") {
  for (const bool by_reset : {false, true}) {
    CAPTURE(by_reset);
    Scene scene;
    scene.both.echo("hello");
    lose(scene.pod, by_reset);
    expect_close(scene.client, 1012);
    CHECK(scene.client.expect_end() == StreamEnd::orderly);
    scene.client.send(close_from_client(1012));
    scene.client.close();
    wait_for_no_tunnels(scene.gateway);
    CHECK(scene.truncated() == 0);
  }
}

TEST_CASE("what a pod sent before it was lost comes before the Close") {
  for (const bool by_reset : {false, true}) {
    CAPTURE(by_reset);
    Scene scene;
    scene.pod.send(from_pod("one") + from_pod("two"));
    scene.client.expect(from_pod("one") + from_pod("two"));
    lose(scene.pod, by_reset);
    expect_close(scene.client, 1012);
    CHECK(scene.client.expect_end() == StreamEnd::orderly);
  }
}

TEST_CASE("RFC 6455 5.4: a Close may stand between the fragments of a message") {
  Scene scene;
  const auto fragment =
      tidegate::tests::encode({Opcode::text, false, "begin", 0}, tidegate::websocket::Sender::server);
  scene.pod.send(fragment);
  scene.client.expect(fragment);
  scene.pod.close();
  expect_close(scene.client, 1012);
  CHECK(scene.client.expect_end() == StreamEnd::orderly);
}

TEST_CASE("the code of that Close can be chosen") {
  Scene scene({.upstream = "    closes: { lost: 4201 }\n"});
  scene.pod.close();
  expect_close(scene.client, 4201);
}

TEST_CASE("a client that goes on talking still reads the Close: no reset overtakes it") {
  for (const bool by_reset : {false, true}) {
    CAPTURE(by_reset);
    Scene scene;
    scene.both.echo("hello");
    // The gateway's answer to bytes it has not read would be a reset, which takes the Close from the client.
    lose(scene.pod, by_reset);
    bool told = false;
    for (int i = 0; i < 10'000 && !told; ++i) {
      if (!scene.client.try_send(from_client("are you there"))) break;
      told = scene.client.has_input();
    }
    expect_close(scene.client, 1012);
    CHECK(scene.client.try_send(from_client("after the close")));
    CHECK(scene.client.expect_end() == StreamEnd::orderly);
  }
}

TEST_CASE(
    "a pod lost within a frame: nothing is put in, the client sees the end, and it counts as truncated") {
  const auto whole = from_pod(std::string(1000, 'x'));
  for (const bool by_reset : {false, true}) {
    for (const std::size_t sent : {std::size_t{5}, std::size_t{500}, whole.size() - 1}) {
      CAPTURE(by_reset, sent);
      Scene scene;
      const auto part = whole.substr(0, sent);
      scene.pod.send(part);
      scene.client.expect(part);
      lose(scene.pod, by_reset);
      CHECK(scene.client.expect_end() == StreamEnd::orderly);
      scene.client.close();
      wait_for_no_tunnels(scene.gateway);
      CHECK(scene.truncated() == 1);
    }
  }
}

TEST_CASE("a pod lost within the header of a frame: none of it was passed on, and a Close can follow") {
  const auto whole = from_pod(std::string(1000, 'x'));
  for (const bool by_reset : {false, true}) {
    for (const std::size_t sent : {std::size_t{1}, std::size_t{3}}) {
      CAPTURE(by_reset, sent);
      Scene scene;
      scene.pod.send(from_pod("whole") + whole.substr(0, sent));
      scene.client.expect(from_pod("whole"));
      lose(scene.pod, by_reset);
      expect_close(scene.client, 1012);
      CHECK(scene.client.expect_end() == StreamEnd::orderly);
    }
  }
}

TEST_CASE(
    "RFC 6455 5.5.1: a client's Close that the pod was lost over is answered with the client's own code") {
  const auto empty =
      tidegate::tests::encode({Opcode::close, true, "", 0}, tidegate::websocket::Sender::client);
  for (const bool by_reset : {false, true}) {
    for (const bool with_code : {false, true}) {
      CAPTURE(by_reset, with_code);
      Scene scene;
      const auto close = with_code ? close_from_client(4321) : empty;
      scene.client.send(close);
      scene.pod.expect(close);
      lose(scene.pod, by_reset);
      expect_close(scene.client, with_code ? 4321 : 1000);
      CHECK(scene.client.expect_end() == StreamEnd::orderly);
      scene.client.close();
      wait_for_no_tunnels(scene.gateway);
      CHECK(scene.truncated() == 0);
    }
  }
}

TEST_CASE("RFC 6455 5.5.1: nothing follows a pod's own Close") {
  for (const bool by_reset : {false, true}) {
    CAPTURE(by_reset);
    Scene scene;
    scene.pod.send(close_from_pod(4200, "going"));
    scene.client.expect(close_from_pod(4200, "going"));
    lose(scene.pod, by_reset);
    CHECK(scene.client.expect_end() == StreamEnd::orderly);
  }
}

TEST_CASE("a pod's own Close is read even where a write to the pod fails first") {
  // A pod said Close and was gone; the client's next message met a closed socket, and that failure ended the
  // tunnel with the Close still unread: the client got 1012 instead of the pod's 4200.
  Scene scene;
  for (int i = 0; i < 20; ++i) {
    auto both = open_tunnel(scene.gateway, scene.backend);
    both.pod.send(close_from_pod(4300));  // not a code that says that the pod itself leaves
    both.pod.close();
    (void)both.client.try_send(from_client("one"));
    (void)both.client.try_send(from_client("two"));
    expect_close(both.client, 4300);
    CHECK(both.client.expect_end() == StreamEnd::orderly);
  }
}

TEST_CASE("a pod that ends after its client has ended gets nobody a Close") {
  Scene scene;
  scene.client.half_close();  // without a Close
  CHECK(scene.pod.expect_end() == StreamEnd::orderly);
  scene.pod.send(from_pod("last words"));
  scene.client.expect(from_pod("last words"));
  scene.pod.close();
  CHECK(scene.client.expect_end() == StreamEnd::orderly);
  wait_for_no_tunnels(scene.gateway);
}

TEST_CASE("bytes for a pod that is lost while it does not read leave no buffer behind") {
  // They were dropped without being taken off the gauge.
  Scene scene;
  (void)stop_up(scene.gateway, scene.client, from_client(std::string(64'000'000, 'x')));
  CHECK(tunnel_buffers(scene.gateway) > 0);
  scene.pod.reset();
  expect_close(scene.client, 1012);
  scene.client.close();
  wait_for_no_tunnels(scene.gateway);
  CHECK(tunnel_buffers(scene.gateway) == 0);
}
