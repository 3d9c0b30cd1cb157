// What becomes of open WebSockets when a reload removes their route or their upstream.
#include <algorithm>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate;
using namespace tidegate::test;
using upstream::EndpointState;

namespace {

// Two paths to one pod, each as far as it is there, and whatever the upstream says besides.
std::string paths_to(const EchoPod& pod, const std::vector<std::string>& routes,
                     const std::string& upstream = "") {
  std::string yaml = "listeners: [ '127.0.0.1:0' ]\nroutes:\n  - { path: /, respond: { body: x } }\n";
  for (const auto& route : routes) yaml += "  - " + route + "\n";
  return yaml + "upstreams:\n  pods:\n    endpoints: [ '" + pod.backend.address() + "' ]\n" + upstream;
}

const std::string kLeaving = "{ path: /leaving, upstream: pods }";
const std::string kStaying = "{ path: /staying, upstream: pods }";
const std::string kChanged = "{ path: /staying, upstream: pods, webSocket: { maxMessage: 1m } }";

RawClient open_at(const GatewayFixture& gateway, std::string_view path) {
  RawClient client(gateway.port());
  client.send(handshake({}, path));
  const auto head = client.read_head();
  if (!head.starts_with("HTTP/1.1 101 ")) throw Unexpected("no 101 but " + head);
  return client;
}

std::uint64_t ended(const GatewayFixture& gateway, gateway::TunnelEnd end) {
  return gateway.upstream(
      "pods", [=](const auto& c) { return c.tunnel_ends_by_reason[static_cast<std::size_t>(end)].value(); });
}

std::size_t told(std::vector<RawClient>& clients) {
  return static_cast<std::size_t>(
      std::count_if(clients.begin(), clients.end(), [](auto& client) { return client.has_input(); }));
}

}  // namespace

TEST_CASE("WebSockets of a route that is removed end one by one, by the Close of that cause") {
  EchoPod pod;
  const std::string settings = "    drain: { window: 2s, deadline: 60s }\n    closes: { removed: 4300 }\n";
  GatewayFixture gateway(paths_to(pod, {kLeaving, kStaying}, settings));
  std::vector<RawClient> leaving;
  for (int i = 0; i < 10; ++i) leaving.push_back(open_at(gateway, "/leaving"));
  auto staying = open_at(gateway, "/staying");
  CHECK(gateway.reload(paths_to(pod, {kChanged}, settings)).text ==
        "routes: 1 removed (/leaving), 1 changed (/staying)");
  wait_until("the first to be told", [&] { return told(leaving) > 0; });
  CHECK(told(leaving) < 6);
  for (auto& client : leaving) {
    expect_close(client, 4300);
    CHECK(client.expect_end() == StreamEnd::orderly);
    client.close();
  }
  wait_until("their tunnels to end", [&] { return tunnels(gateway) == 1; });
  CHECK(ended(gateway, gateway::TunnelEnd::removed) == 10);
  expect_echo(staying, "nothing noticed");
}

TEST_CASE("of a route that is removed the silent ones go first") {
  EchoPod pod;
  const std::string settings = "    drain: { window: 6s, deadline: 60s }\n";
  GatewayFixture gateway(paths_to(pod, {kLeaving}, settings));
  std::vector<RawClient> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(open_at(gateway, "/leaving"));
  for (const std::size_t busy : {0U, 2U, 4U}) expect_echo(clients[busy], "here");
  CHECK(gateway.reload(paths_to(pod, {}, settings)).succeeded);
  for (const std::size_t silent : {1U, 3U, 5U}) expect_close(clients[silent], 1012);
  for (const std::size_t busy : {0U, 2U, 4U}) expect_echo(clients[busy], "still here");
}

TEST_CASE("a route that comes back keeps the WebSockets that have not been told yet") {
  EchoPod pod;
  const std::string settings = "    drain: { window: 40s, deadline: 200s }\n";
  GatewayFixture gateway(paths_to(pod, {kLeaving}, settings));
  std::vector<RawClient> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(open_at(gateway, "/leaving"));
  CHECK(gateway.reload(paths_to(pod, {}, settings)).succeeded);
  wait_until("the first to be told", [&] { return told(clients) > 0; });
  CHECK(gateway.reload(paths_to(pod, {kLeaving}, settings)).succeeded);
  CHECK(told(clients) < 10);
  for (auto& client : clients) {
    if (!client.has_input()) expect_echo(client, "still here");
  }
}

TEST_CASE("a handshake that ends after its route was removed opens a WebSocket that leaves, too") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.upstream = "    drain: { window: 1ms, deadline: 60s }\n"}));
  RawClient client(gateway.port());
  client.send(handshake());
  auto pod = backend.accept();
  (void)pod.read_head();
  CHECK(gateway.reload("listeners: [ '127.0.0.1:0' ]\nroutes: [ { path: /other, respond: { body: x } } ]\n")
            .succeeded);
  pod.send(switching());
  CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
  CHECK(read_frame(pod).opcode == Opcode::close);
  pod.send(from_pod("last words") + close_from_pod(1012));
  CHECK(read_frame(client).payload == "last words");
  expect_close(client, 1012);
}

TEST_CASE(
    "WebSockets of an upstream that is removed leave by the Close of that cause, without waiting for room") {
  EchoPod pod;
  EchoPod other;
  const auto yaml = [](const std::string& upstream, const EchoPod& behind) {
    return "listeners: [ '127.0.0.1:0' ]\nroutes: [ { path: /, upstream: " + upstream +
           " } ]\nupstreams:\n  " + upstream + ":\n    endpoints: [ '" + behind.backend.address() +
           "' ]\n    retry: { total: 1s }\n    drain: { window: 1s, deadline: 60s }\n" +
           "    closes: { draining: 4301, removed: 4302 }\n";
  };
  GatewayFixture gateway(yaml("pods", pod));
  auto client = open_client(gateway);
  CHECK(gateway.reload(yaml("others", other)).succeeded);
  expect_echo(client, "the route is there, the upstream goes");
  expect_close(client, 4302);
  client.close();
  wait_for_no_tunnels(gateway);
  CHECK(ended(gateway, gateway::TunnelEnd::removed) == 1);
}
