// How the gateway ends: sockets live until the deadline, then each gets a proper Close.
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

struct Scene {
  explicit Scene(const std::string& shutdown)
      : gateway(in_front_of(backend, {.rest = "shutdown: " + shutdown + "\nworkers: 2\n"})) {}
  ScriptedBackend backend;
  GatewayFixture gateway;
};

bool accepts(std::uint16_t port) {
  try {
    const RawClient client(port);
    return true;
  } catch (const Unexpected&) {
    return false;
  }
}

}  // namespace

TEST_CASE("sockets live until the deadline of the shutdown, then get Close 1001 and the end") {
  Scene scene("{ delay: 0s, deadline: 500ms }");
  auto first = open_tunnel(scene.gateway, scene.backend);
  auto second = open_tunnel(scene.gateway, scene.backend);
  scene.gateway.shut_down();
  wait_until("accepting to stop", [&] { return !accepts(scene.gateway.port()); });
  first.echo("still open");
  second.echo("still open");
  for (auto* both : {&first, &second}) {
    expect_close(both->client, 1001);
    CHECK(both->client.expect_end() == StreamEnd::orderly);
    expect_close(both->pod, 1001);
    CHECK(both->pod.expect_end() == StreamEnd::orderly);
    both->client.close();
    both->pod.close();
  }
  CHECK(scene.gateway.ended_within(kPatience));
}

TEST_CASE("the shutdown is over as soon as the last socket has ended") {
  Scene scene("{ delay: 0s, deadline: 60s }");
  auto both = open_tunnel(scene.gateway, scene.backend);
  RawClient idle(scene.gateway.port());
  idle.send(get());
  auto pooled = scene.backend.answer_one(ok("x"));
  CHECK(idle.read_answer().status == 200);
  scene.gateway.shut_down();
  CHECK(idle.expect_end() == StreamEnd::orderly);  // an idle connection is closed at once
  both.echo("still open");
  CHECK_FALSE(scene.gateway.ended_within(0ms));
  both.client.close();
  (void)both.pod.expect_end();
  both.pod.close();
  CHECK(scene.gateway.ended_within(kPatience));
}

TEST_CASE("an own /ready of 503 comes first, and accepting goes on for the delay") {
  Scene scene("{ delay: 60s, deadline: 60s }");
  int status = 0;
  (void)scene.gateway.admin("/ready", &status);
  CHECK(status == 200);
  scene.gateway.shut_down();
  wait_until("/ready to say 503", [&] {
    (void)scene.gateway.admin("/ready", &status);
    return status == 503;
  });
  auto both = open_tunnel(scene.gateway, scene.backend);
  both.echo("accepted in the delay");
  SECTION("a second call ends it at once, idle connections and all") {
    // Idle connections were retired twice by it: once as idle, once as left over.
    RawClient idle(scene.gateway.port());
    idle.send(get());
    auto pooled = scene.backend.answer_one(ok("x"));
    CHECK(idle.read_answer().status == 200);
    scene.gateway.shut_down();
    expect_close(both.client, 1001);
    CHECK(both.client.expect_end() == StreamEnd::orderly);
    both.client.close();
    both.pod.close();
    CHECK(scene.gateway.ended_within(kPatience));
  }
}

TEST_CASE("a client that does not answer the Close does not hold up the end") {
  Scene scene("{ delay: 0s, deadline: 100ms }");
  auto both = open_tunnel(scene.gateway, scene.backend);
  scene.gateway.shut_down();
  expect_close(both.client, 1001);
  CHECK(scene.gateway.ended_within(kPatience));  // after the time for last words
}

TEST_CASE("a gateway may be destroyed with everything open") {
  ScriptedBackend backend;
  std::vector<Tunnelled> open;
  std::vector<RawClient> clients;
  {
    GatewayFixture gateway(in_front_of(backend, {.rest = "workers: 2\n"}));
    for (int i = 0; i < 20; ++i) open.push_back(open_tunnel(gateway, backend));
    (void)open.front().client.send_until_stuck(from_client(std::string(10'000'000, 'x')), 50ms);
    for (int i = 0; i < 20; ++i) clients.emplace_back(gateway.port());
    for (int i = 0; i < 5; ++i) clients[static_cast<std::size_t>(i)].send(get());  // never answered
    for (int i = 5; i < 10; ++i) clients[static_cast<std::size_t>(i)].send("GET / HT");
    gateway.order(backend.address(), tidegate::upstream::AdminOrder::drain);
    for (int i = 10; i < 15; ++i) clients[static_cast<std::size_t>(i)].send(handshake());  // wait in the room
    wait_until("some to wait", [&] { return gateway.waiting("pods") >= 5; });
  }
  for (auto& both : open) (void)both.client.read_to_end();
  for (auto& client : clients) (void)client.read_to_end();
}
