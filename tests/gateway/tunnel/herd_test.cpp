// A herd of handshakes reaches the pods at their pace, and who finds no room can be told by a Close.
#include <thread>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;
using tidegate::gateway::HandshakeResult;
using tidegate::gateway::HoldResult;

namespace {

std::uint64_t handshakes(const GatewayFixture& gateway, HandshakeResult result) {
  return gateway.upstream(
      "pods", [result](const auto& c) { return c.handshakes[static_cast<std::size_t>(result)].value(); });
}

}  // namespace

TEST_CASE("handshakes beyond the pace wait for their turn, and each is served") {
  for (const bool in_total : {false, true}) {
    CAPTURE(in_total);
    const std::string pace = "handshakesPerSecond: 20\n";
    EchoPod pod;
    GatewayFixture gateway(in_front_of(pod.backend, {.upstream = in_total ? "" : "    " + pace,
                                                     .rest = (in_total ? pace : "") + "workers: 2\n"}));
    constexpr int kHerd = 24;
    const auto began = std::chrono::steady_clock::now();
    std::vector<RawClient> herd;
    for (int i = 0; i < kHerd; ++i) {
      herd.emplace_back(gateway.port());
      herd.back().send(handshake());
    }
    for (auto& client : herd) CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
    // Two at once, and twenty a second.
    CHECK(std::chrono::steady_clock::now() - began >= 1s);
    CHECK(gateway.holds("pods", HoldResult::granted) >= 10);
    CHECK(handshakes(gateway, HandshakeResult::accepted) == kHerd);
  }
}

TEST_CASE("requests do not wait behind handshakes that are ahead of the pace") {
  ScriptedBackend pod;
  GatewayFixture gateway(in_front_of(pod, {.upstream = "    handshakesPerSecond: 1\n"}));
  pod.serve([](RawSocket& connection) {
    while (!connection.at_end()) {
      const auto head = connection.read_head();
      const bool upgrade = head.find("Upgrade: websocket") != std::string::npos;
      connection.send(upgrade ? switching() : ok("x"));
      if (upgrade) (void)connection.expect_end();
    }
  });
  auto first = open_client(gateway);
  RawClient second(gateway.port());
  second.send(handshake());
  wait_until("it to wait", [&] { return gateway.waiting("pods") == 1; });
  RawClient asks(gateway.port());
  CHECK(asks.get().status == 200);
  CHECK(second.read_head().starts_with("HTTP/1.1 101 "));
}

TEST_CASE("without a waiting room a handshake that is ahead of the pace is refused in words") {
  EchoPod pod;
  GatewayFixture gateway(
      in_front_of(pod.backend, {.upstream = "    handshakesPerSecond: 1\n    hold: off\n"}));
  auto first = open_client(gateway);
  RawClient second(gateway.port());
  second.send(handshake());
  CHECK(second.read_answer().status == 503);
  expect_echo(first, "still here");
}

TEST_CASE("a handshake that waited in vain is told by a Close where the upstream wants it so") {
  EchoPod pod;
  GatewayFixture gateway(
      in_front_of(pod.backend, {.upstream = "    hold: { maxWait: 50ms, overflow: close }\n"
                                            "    closes: { overflow: { code: 4100, reason: full } }\n"}));
  gateway.order(pod.backend.address(), tidegate::upstream::AdminOrder::drain);
  RawClient client(gateway.port());
  client.send(handshake("Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n"));
  const auto head = client.read_head();
  CHECK(head.starts_with("HTTP/1.1 101 "));
  CHECK(head.find("Sec-WebSocket-Accept: " + std::string(kAccept) + "\r\n") != std::string::npos);
  CHECK(head.find("Sec-WebSocket-Protocol: chat.v2\r\n") != std::string::npos);
  const auto close = read_frame(client);
  CHECK(close.opcode == Opcode::close);
  CHECK(close.payload == std::string("\x10\x04") + "full");
  CHECK(client.expect_end() == StreamEnd::orderly);
  client.close();
  wait_until("it to be counted", [&] { return handshakes(gateway, HandshakeResult::failed) == 1; });
  RawClient asks(gateway.port());
  CHECK(asks.get().status == 503);  // no WebSocket, no Close
}
