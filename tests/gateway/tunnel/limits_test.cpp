// Limits of clients on WebSockets.
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

Setup limited(const std::string& limit) {
  return {.route = "    limits: [clients]\n", .rest = "limits:\n  clients: " + limit + "\n"};
}

int status_of_handshake(const GatewayFixture& gateway) {
  RawClient client(gateway.port());
  client.send(handshake());
  return client.read_answer(true).status;
}

}  // namespace

TEST_CASE("open WebSockets are bounded for each client, and a closed one makes room") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend, limited("{ webSockets: 2 }")));
  auto first = open_client(gateway);
  auto second = open_client(gateway);
  CHECK(status_of_handshake(gateway) == 429);
  expect_echo(first, "still open");
  second.send(close_from_client(1000));
  second.close();
  wait_until("the second to be gone", [&] { return tunnels(gateway) == 1; });
  auto third = open_client(gateway);
  expect_echo(third, "let in");
  CHECK(pod.handshakes == 3);
}

TEST_CASE("a handshake that the pod refuses gives its place back") {
  ScriptedBackend backend;
  backend.serve(answer_all("no WebSockets here"));
  GatewayFixture gateway(in_front_of(backend, limited("{ webSockets: 1 }")));
  for (int i = 0; i < 3; ++i) CHECK(status_of_handshake(gateway) == 200);
}

TEST_CASE("handshakes have a rate of their own beside that of requests") {
  EchoPod pod;
  GatewayFixture gateway(
      in_front_of(pod.backend, limited("{ handshakes: { rate: 1/h, burst: 1, noDelay: true }, requests: { "
                                       "rate: 1/s, burst: 9, noDelay: true } }")));
  auto first = open_client(gateway);
  auto second = open_client(gateway);
  CHECK(status_of_handshake(gateway) == 429);
  expect_echo(first, "not touched");
  CHECK(gateway.admin("/metrics")
            .find(R"(tidegate_limit_refused_total{limit="clients",dry_run="0",kind="handshakes"} 1)") !=
        std::string::npos);
}

TEST_CASE("a tunnel keeps its place among the open connections of its client") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend, {.listener = "    limits: [clients]\n",
                                                   .rest = "limits:\n  clients: { connections: 1 }\n"}));
  {
    auto open = open_client(gateway);
    auto refused = RawClient::in_clear_text(gateway.port());
    (void)refused.expect_end();
    expect_echo(open, "still open");
  }
  wait_for_no_tunnels(gateway);
  auto next = open_client(gateway);
  expect_echo(next, "let in");
}

TEST_CASE("short of memory for buffers: open WebSockets go on, new handshakes get 503") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend, {.rest = "bufferMemory: 32k\n"}));
  auto open = open_client(gateway);
  RawClient hoarder(gateway.port());
  RawClient other(gateway.port());
  for (auto* client : {&hoarder, &other}) client->send("GET / HTTP/1.1\r\n");
  wait_until("the memory to be used up", [&] { return gateway.buffer_bytes() >= 32 * 1024; });
  CHECK(status_of_handshake(gateway) == 503);
  expect_echo(open, "not touched");
}
