// Pods that are ready and yet take no new WebSockets: handshakes go elsewhere or wait, all else goes on.
#include <algorithm>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/error_log_file.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;
using tidegate::gateway::FailureReason;
using tidegate::gateway::HoldResult;
using tidegate::upstream::AdminOrder;
using tidegate::upstream::EndpointState;

namespace {

constexpr std::string_view kNewSocketProbe =
    "    newSocketProbe: { httpGet: { path: /accept-traffic }, periodSeconds: 1 }\n";
constexpr std::string_view kWebSocketProbe = "    webSocketProbe: { path: /probe, periodSeconds: 1 }\n";

std::string with(std::string_view probe, const std::string& more = {}) {
  return std::string(probe) + more;
}

// Waits until its probes say so, and every worker can know it.
void wait_for_taking(const GatewayFixture& gateway, const ScriptedBackend& backend, bool takes) {
  wait_until(backend.address() + (takes ? " to take" : " to take no") + " new sockets", [&] {
    const auto all = gateway.endpoints();
    return std::any_of(all.begin(), all.end(), [&](const auto& endpoint) {
      return endpoint.address == backend.address() && endpoint.sockets.open() == takes;
    });
  });
  gateway.settle();
}

RawClient ask_for_socket(const GatewayFixture& gateway) {
  RawClient client(gateway.port());
  client.send(handshake());
  return client;
}

}  // namespace

TEST_CASE("a pod that wants no new sockets gets none; it keeps its own, its requests and its state") {
  EchoPod full;
  EchoPod other;
  GatewayFixture gateway(in_front_of({&full.backend, &other.backend},
                                     {.upstream = with(kNewSocketProbe), .rest = "workers: 2\n"}));
  wait_for_taking(gateway, full.backend, true);
  wait_for_taking(gateway, other.backend, true);
  std::vector<RawClient> open;
  for (int i = 0; i < 8; ++i) open.push_back(open_client(gateway));
  const int before = full.sockets;
  REQUIRE(before > 0);
  full.accepts = 500;
  wait_for_taking(gateway, full.backend, false);
  for (int i = 0; i < 8; ++i) open.push_back(open_client(gateway));
  CHECK(full.sockets == before);
  CHECK(other.sockets == 16 - before);
  for (auto& client : open) expect_echo(client, "still here");
  full.ready = 418;  // to tell the pods apart
  bool asked = false;
  for (int i = 0; i < 4; ++i) {
    RawClient client(gateway.port());
    client.send(get("/ready"));
    asked = client.read_answer().status == 418 || asked;
  }
  CHECK(asked);
  for (const auto& endpoint : gateway.endpoints()) CHECK(endpoint.state == EndpointState::ready);
  full.accepts = 200;
  wait_for_taking(gateway, full.backend, true);
}

TEST_CASE("handshakes wait while no pod wants new sockets; requests do not wait behind them") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend, {.upstream = with(kNewSocketProbe)}));
  wait_for_taking(gateway, pod.backend, true);
  auto open = open_client(gateway);
  pod.accepts = 500;
  wait_for_taking(gateway, pod.backend, false);
  auto waiting = ask_for_socket(gateway);
  wait_until("the handshake to wait", [&] { return gateway.waiting("pods") == 1; });
  RawClient asks(gateway.port());
  asks.send(get("/ready"));
  CHECK(asks.read_answer().status == 200);
  CHECK(gateway.holds("pods", HoldResult::granted) == 0);  // it has not even waited for a grant
  expect_echo(open, "still here");
  CHECK(pod.handshakes == 1);
  pod.accepts = 200;
  CHECK(waiting.read_head().starts_with("HTTP/1.1 101 "));
  expect_echo(waiting, "after the wait");
  CHECK(gateway.holds("pods", HoldResult::granted) == 1);
}

TEST_CASE("a handshake that no pod wanted is 503 with the reason, in the log and for the client") {
  const ErrorLogFile log;
  EchoPod pod;
  pod.accepts = 500;
  std::string hold;
  SECTION("after it waited") {
    hold = "    hold: { maxWait: 100ms }\n";
  }
  SECTION("at once where nobody waits") {
    hold = "    hold: off\n";
  }
  GatewayFixture gateway(
      in_front_of(pod.backend, {.upstream = with(kNewSocketProbe, hold), .rest = log.yaml()}));
  log.wait_for("takes no new sockets (newSocketProbe: HTTP 500 in ");
  auto client = ask_for_socket(gateway);
  const auto answer = client.read_answer();
  CHECK(answer.status == 503);
  CHECK_FALSE(answer.field("Retry-After").empty());
  const std::string why = "0 of 1 endpoints can take it: 1 takes no new sockets";
  CHECK(answer.body.find(why) != std::string::npos);
  CHECK(answer.field("Proxy-Status").find(why) != std::string::npos);
  log.wait_for("503 sockets_refused");
  log.wait_for(why);
  CHECK(gateway.failures(FailureReason::sockets_refused) == 1);
  CHECK(gateway.admin("/metrics")
            .find("tidegate_endpoint_takes_new_sockets{upstream=\"pods\",endpoint=\"" +
                  pod.backend.address() + "\",address=\"" + pod.backend.address() + "\"} 0\n") !=
        std::string::npos);
  CHECK(gateway.admin("/endpoints")
            .find("\"takesNewSockets\":false,\"newSocketsCause\":\"newSocketProbe: HTTP "
                  "500 in ") != std::string::npos);
  pod.accepts = 200;
  log.wait_for("takes new sockets (newSocketProbe: HTTP 200 in ");
}

TEST_CASE("HTTP is fine and WebSockets are broken: clients' handshakes go to the other pod") {
  EchoPod broken;
  EchoPod other;
  broken.upgrades = false;
  GatewayFixture gateway(in_front_of({&broken.backend, &other.backend},
                                     {.upstream = with(kProbe, std::string(kWebSocketProbe))}));
  gateway.wait_for_ready();
  wait_for_taking(gateway, other.backend, true);
  const auto failed = gateway.retries("pods");
  for (int i = 0; i < 6; ++i) {
    auto client = open_client(gateway);
    expect_echo(client, "hello");
  }
  CHECK(gateway.retries("pods") == failed);  // not one of them met the broken pod
  broken.upgrades = true;
  wait_for_taking(gateway, broken.backend, true);
  const int before = broken.handshakes;
  wait_until("it to be picked", [&] {
    auto client = open_client(gateway);
    expect_echo(client, "hello");
    return broken.handshakes > before;
  });
}

TEST_CASE("a WebSocket probe leaves nothing behind at the pod") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend, {.upstream = with(kWebSocketProbe)}));
  wait_for_taking(gateway, pod.backend, true);
  wait_until("its socket to be closed", [&] { return pod.handshakes > 0 && pod.sockets == 0; });
  CHECK(pod.backend.failures().empty());
}

TEST_CASE("a WebSocket probe speaks TLS to pods that do, and says what it met") {
  Authority ca;
  const ErrorLogFile log;
  EchoPod pod(ca.issue());
  pod.upgrades = false;
  GatewayFixture gateway(in_front_of(
      pod.backend,
      {.upstream = with(kWebSocketProbe, "    tls: { ca: " + ca.file() + " }\n"), .rest = log.yaml()}));
  log.wait_for("takes no new sockets (webSocketProbe: HTTP 502 instead of 101 in ");
  pod.upgrades = true;
  wait_for_taking(gateway, pod.backend, true);
  wait_until("the probe's socket to be closed", [&] { return pod.handshakes > 0 && pod.sockets == 0; });
  auto client = open_client(gateway);
  expect_echo(client, "hello");
}

// The endpoint was looked at when it was picked; what it has said since then counts too.
TEST_CASE("a pod that says no while a connect to it is pending gets not one byte of a handshake") {
  ScriptedBackend pod;
  EchoPod speaker;  // answers the probe in the pod's place, whose own port hangs
  GatewayFixture gateway(
      in_front_of(pod, {.upstream = "    newSocketProbe: { httpGet: { path: /accept-traffic, port: " +
                                    std::to_string(speaker.backend.port()) + " }, periodSeconds: 1 }\n"}));
  wait_for_taking(gateway, pod, true);
  pod.ignore_connects();
  auto client = ask_for_socket(gateway);
  wait_until("the connect to hang", [&] { return gateway.endpoints().front().active == 1; });
  speaker.accepts = 500;
  wait_for_taking(gateway, pod, false);
  pod.release_connects();
  const auto repicks = [&] {
    return gateway.upstream("pods", [](const auto& c) { return c.repicks.value(); });
  };
  wait_until("the handshake to wait", [&] { return gateway.waiting("pods") == 1; });
  CHECK(repicks() == 1);
  while (pod.has_connection()) {
    auto socket = pod.accept();  // of the crowd that filled the queue, or the connect
    CHECK((!socket.has_input() || socket.at_end()));
  }
  speaker.accepts = 200;
  auto socket = pod.accept();
  CHECK(socket.read_head().starts_with("GET /app "));
  socket.send(switching());
  CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
}

TEST_CASE("a drain does not send sockets away to a pod that wants none") {
  EchoPod leaving;
  EchoPod other;
  GatewayFixture gateway(
      in_front_of({&leaving.backend, &other.backend},
                  {.upstream = with(kNewSocketProbe, "    drain: { window: 100ms, deadline: 1500ms }\n")}));
  wait_for_taking(gateway, leaving.backend, true);
  other.accepts = 500;
  wait_for_taking(gateway, other.backend, false);
  auto client = open_client(gateway);
  CHECK(leaving.sockets == 1);
  const auto begin = std::chrono::steady_clock::now();
  gateway.order(leaving.backend.address(), AdminOrder::drain);
  expect_close(client, 1012);
  CHECK(std::chrono::steady_clock::now() - begin >= 1500ms);
}

TEST_CASE("a reload that removes the probe that fails lets those who wait go on") {
  EchoPod pod;
  pod.accepts = 500;
  GatewayFixture gateway(in_front_of(pod.backend, {.upstream = with(kNewSocketProbe)}));
  auto client = ask_for_socket(gateway);
  wait_until("the handshake to wait", [&] { return gateway.waiting("pods") == 1; });
  CHECK(gateway.reload(in_front_of(pod.backend)).succeeded);
  CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
}

TEST_CASE("many who wait are all served when the pods want sockets again, requests between them too") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(
      pod.backend, {.upstream = with(kProbe, std::string(kNewSocketProbe)), .rest = "workers: 2\n"}));
  wait_for_taking(gateway, pod.backend, true);
  pod.accepts = 500;
  wait_for_taking(gateway, pod.backend, false);
  std::vector<RawClient> waiting;
  for (int i = 0; i < 30; ++i) waiting.push_back(ask_for_socket(gateway));
  wait_until("all to wait", [&] { return gateway.waiting("pods") == 30; });
  pod.ready = 503;
  gateway.wait_for_state(pod.backend.address(), EndpointState::unready);
  std::vector<RawClient> asking;
  for (int i = 0; i < 10; ++i) {
    asking.emplace_back(gateway.port());
    asking.back().send(get("/ready"));
  }
  wait_until("requests to wait too", [&] { return gateway.waiting("pods") == 40; });
  pod.ready = 200;
  for (auto& client : asking) CHECK(client.read_answer().status == 200);  // no pod wants sockets yet
  CHECK(gateway.waiting("pods") == 30);
  pod.accepts = 200;
  for (auto& client : waiting) CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
}
