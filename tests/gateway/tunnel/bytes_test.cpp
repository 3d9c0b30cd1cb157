// What goes through a tunnel: every byte, both ways, in bounded memory.
#include <thread>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

struct Scene {
  explicit Scene(const Setup& setup = {}) : gateway(in_front_of(backend, setup)) {}
  ScriptedBackend backend;
  GatewayFixture gateway;
  Tunnelled both = open_tunnel(gateway, backend);
};

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  unsigned state = 1;
  for (auto& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

}  // namespace

TEST_CASE("frames pass both ways as they are") {
  Scene scene;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 200'000U}) {
    CAPTURE(size);
    scene.both.echo(std::string(size, 'x'));
  }
  const auto ping = from_pod("are you there", Opcode::ping);
  scene.both.pod.send(ping);
  scene.both.client.expect(ping);
  CHECK(tunnels(scene.gateway) == 1);
}

TEST_CASE("bytes that are no frames pass, too, where the route only watches or does not look at all") {
  for (const std::string inspect : {"watch", "off"}) {
    CAPTURE(inspect);
    Scene scene({.route = "    webSocket: { inspect: " + inspect + " }\n"});
    const std::string nonsense = "\xff\xff\xff not a frame";
    scene.both.client.send(nonsense);
    scene.both.pod.expect(nonsense);
    scene.both.pod.send(nonsense);
    scene.both.client.expect(nonsense);
  }
}

TEST_CASE("large messages pass both ways at once") {
  Scene scene;
  const auto up = from_client(noise(3'000'000), Opcode::binary);
  const auto down = from_pod(noise(5'000'000), Opcode::binary);
  std::thread client_sends([&] { scene.both.client.send(up); });
  std::thread pod_sends([&] { scene.both.pod.send(down); });
  // A socket belongs to one thread here, so the reading ends are copies.
  auto client_reads = scene.both.client.copy();
  auto pod_reads = scene.both.pod.copy();
  std::string got_up;
  std::thread pod_listens([&] { got_up = pod_reads.read_exactly(up.size()); });
  const auto got_down = client_reads.read_exactly(down.size());
  client_sends.join();
  pod_sends.join();
  pod_listens.join();
  CHECK((got_up == up));
  CHECK((got_down == down));
  wait_until("no buffer is held", [&] { return tunnel_buffers(scene.gateway) == 0; });
}

TEST_CASE("a reader that stops stops the sender, and the gateway holds at most one buffer for it") {
  for (const bool client_stops : {true, false}) {
    CAPTURE(client_stops);
    Scene scene;
    RawSocket& sender = client_stops ? scene.both.pod : static_cast<RawSocket&>(scene.both.client);
    RawSocket& reader = client_stops ? static_cast<RawSocket&>(scene.both.client) : scene.both.pod;
    const auto message = noise(64'000'000);
    const auto frame = client_stops ? from_pod(message) : from_client(message);
    const auto sent = stop_up(scene.gateway, sender, frame);
    CHECK(sent < frame.size());  // it was stopped
    CHECK(tunnel_buffers(scene.gateway) > 0);
    CHECK(tunnel_buffers(scene.gateway) <= 64 * 1024);
    // The other direction is not concerned.
    const auto word = client_stops ? from_client("still here") : from_pod("still here");
    reader.send(word);
    sender.expect(word);
    // Nothing is lost once it reads again.
    std::thread rest([&] { sender.send(std::string_view(frame).substr(sent)); });
    auto copy = reader.copy();
    const auto got = copy.read_exactly(frame.size());
    rest.join();
    CHECK((got == frame));
    wait_until("no buffer is held", [&] { return tunnel_buffers(scene.gateway) == 0; });
  }
}

TEST_CASE("a tunnel that is never short of bytes does not stop the others of its worker") {
  Scene busy;
  auto quiet = open_tunnel(busy.gateway, busy.backend);
  std::atomic<bool> done{false};
  const auto block = from_pod(std::string(1'000'000, 'x'));
  std::thread sends([&] {
    while (!done && busy.both.pod.try_send(block)) {
    }
    busy.both.pod.half_close();
  });
  std::thread reads([&] { (void)busy.both.client.read_to_end(); });
  for (int i = 0; i < 50; ++i) quiet.echo("hello " + std::to_string(i));
  done = true;
  sends.join();
  reads.join();
}

TEST_CASE("one side may end its stream while the other goes on (RFC 6455 7.1.1)") {
  SECTION("the client first") {
    Scene scene;
    scene.both.client.send(close_from_client(1000));
    scene.both.client.half_close();
    scene.both.pod.expect(close_from_client(1000));
    CHECK(scene.both.pod.expect_end() == StreamEnd::orderly);
    const auto last = from_pod("last words") + close_from_pod(1000);
    scene.both.pod.send(last);
    scene.both.client.expect(last);
    scene.both.pod.close();
    CHECK(scene.both.client.expect_end() == StreamEnd::orderly);
    wait_for_no_tunnels(scene.gateway);
  }
  SECTION("the pod first") {
    Scene scene;
    scene.both.pod.send(close_from_pod(1000));
    scene.both.pod.half_close();
    scene.both.client.expect(close_from_pod(1000));
    CHECK(scene.both.client.expect_end() == StreamEnd::orderly);
    const auto last = from_client("last words") + close_from_client(1000);
    scene.both.client.send(last);
    scene.both.pod.expect(last);
    scene.both.client.close();
    CHECK(scene.both.pod.expect_end() == StreamEnd::orderly);
    wait_for_no_tunnels(scene.gateway);
  }
}

TEST_CASE("a FIN waits for the bytes before it") {
  Scene scene;
  const auto message = from_client(noise(20'000'000)) + close_from_client(1000);
  std::thread sends([&] {
    scene.both.client.send(message);
    scene.both.client.half_close();
  });
  const auto got = scene.both.pod.read_to_end();
  sends.join();
  CHECK((got == message));
}

TEST_CASE("the other direction stays open for the fin time, not longer") {
  for (const bool client_first : {true, false}) {
    CAPTURE(client_first);
    Scene scene({.upstream = "    timeouts: { fin: 200ms }\n"});
    RawSocket& first = client_first ? static_cast<RawSocket&>(scene.both.client) : scene.both.pod;
    RawSocket& second = client_first ? scene.both.pod : static_cast<RawSocket&>(scene.both.client);
    first.send(client_first ? close_from_client(1000) : close_from_pod(1000));
    first.half_close();
    (void)read_frame(second);
    (void)second.expect_end();
    // The second never ends its side.
    (void)first.read_to_end();
    wait_for_no_tunnels(scene.gateway);
  }
}
