// What the Closes of open WebSockets say of their pod: by its own it leaves, by its clients' it does not.
#include <atomic>
#include <vector>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;
using tidegate::health::LeaveSign;
using tidegate::upstream::EndpointState;

namespace {

const std::vector<std::string> kSources{"127.0.0.1", "127.0.0.2"};
// A probe that finds out by itself nothing that a test waits for.
const std::string kRareProbe = "    readinessProbe: { httpGet: { path: /ready }, periodSeconds: 600 }\n";

RawClient open_from(const std::string& source, const GatewayFixture& gateway) {
  auto client = RawClient::from(source, gateway.port());
  client.send(handshake());
  const auto head = client.read_head();
  if (!head.starts_with("HTTP/1.1 101 ")) throw Unexpected("no 101 but " + head);
  return client;
}

std::uint64_t signs(const GatewayFixture& gateway, LeaveSign sign) {
  return gateway.upstream("pods", [sign](const auto& counters) {
    return counters.leave_signals[static_cast<std::size_t>(sign)].value();
  });
}

std::uint64_t transitions(const GatewayFixture& gateway) {
  std::uint64_t sum = 0;
  for (const auto& endpoint : gateway.endpoints()) sum += endpoint.transitions;
  return sum;
}

// A pod by script: echoes messages until it is told to leave, then says 500 to probes and closes every socket
// with its code, also those that come new.
struct LeavingPod {
  explicit LeavingPod(std::uint16_t close_code) : code(close_code) {
    backend.serve([this](RawSocket& connection) { serve_one(connection); });
  }

  void serve_one(RawSocket& connection) {
    if (connection.at_end()) return;
    if (connection.read_head().starts_with("GET /ready ")) {
      const std::string status = left ? "500" : "200";
      return connection.send("HTTP/1.1 " + status + " x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    connection.send(switching());
    while (!left) {
      if (!connection.has_input(20ms)) continue;  // hundreds of threads wait so
      if (connection.at_end()) return;
      connection.send(tidegate::tests::encode(read_frame(connection), tidegate::websocket::Sender::server));
    }
    connection.send(close_from_pod(code));
    while (!connection.at_end()) (void)connection.read_some();
  }

  const std::uint16_t code;
  std::atomic<bool> left{false};
  ScriptedBackend backend;  // last: its threads use the others
};

// Clients from these addresses at a pod that leaves; true if the pod was taken out for it.
struct Leaving {
  std::uint16_t code = 4200;
  std::vector<std::string> sources = {};
  Setup setup = {};
  bool talk = true;  // each has had an echo before

  [[nodiscard]] bool is_seen() const {
    LeavingPod pod(code);
    GatewayFixture gateway(in_front_of(pod.backend, setup));
    const auto before = transitions(gateway);
    std::vector<RawClient> clients;
    for (const auto& source : sources) clients.push_back(open_from(source, gateway));
    for (auto& client : clients) {
      if (talk) expect_echo(client, "hello");
    }
    pod.left = true;
    for (auto& client : clients) {
      expect_close(client, code);
      client.send(close_from_client(code));
      client.close();
    }
    wait_for_no_tunnels(gateway);
    gateway.settle();
    return transitions(gateway) > before;
  }
};

}  // namespace

// Browsers close with 1001 when a tab goes and k6 does so at the end of each iteration; servers echo the
// code. Nothing of that may move an endpoint: one client could take out every pod there is.
TEST_CASE(
    "1,000 clients that close with 1001 and 1012, echoed by their pods: no endpoint changes its state") {
  constexpr std::size_t count = 1000;
  constexpr std::size_t at_once = 50;
  EchoPod first;
  EchoPod second;
  GatewayFixture gateway(in_front_of({&first.backend, &second.backend}, {.rest = "workers: 2\n"}));
  const auto before = transitions(gateway);
  for (std::size_t done = 0; done < count; done += at_once) {
    std::vector<RawClient> clients;
    for (std::size_t i = 0; i < at_once; ++i) clients.push_back(open_from(kSources[i % 2], gateway));
    for (std::size_t i = 0; i < at_once; ++i) clients[i].send(close_from_client(i % 4 < 2 ? 1001 : 1012));
    for (std::size_t i = 0; i < at_once; ++i) expect_close(clients[i], i % 4 < 2 ? 1001 : 1012);
  }
  CHECK(first.handshakes + second.handshakes == static_cast<int>(count));
  wait_for_no_tunnels(gateway);
  gateway.settle();
  CHECK(transitions(gateway) == before);
  for (const auto& endpoint : gateway.endpoints()) CHECK(endpoint.state == EndpointState::ready);
  CHECK(signs(gateway, LeaveSign::clients) + signs(gateway, LeaveSign::newcomers) == 0);
}

TEST_CASE("a pod that closes with 1012 first towards clients of two addresses is unready at once") {
  LeavingPod pod(1012);
  GatewayFixture gateway(in_front_of(pod.backend, {.upstream = kRareProbe}));
  gateway.wait_for_ready();
  std::vector<RawClient> clients;
  for (const auto& source : kSources) clients.push_back(open_from(source, gateway));
  for (auto& client : clients) expect_echo(client, "hello");
  pod.left = true;
  gateway.wait_for_state(pod.backend.address(), EndpointState::unready);
  CHECK(gateway.endpoints().at(0).last.cause == "sent Close 1012 to 2 clients within 1 s");
  for (auto& client : clients) expect_close(client, 1012);
  CHECK(signs(gateway, LeaveSign::clients) == 1);
}

TEST_CASE("it was probed at once: a pod that says ready all the same is back at once") {
  std::atomic<int> sockets{0};
  ScriptedBackend backend;
  backend.serve([&](RawSocket& connection) {
    if (connection.at_end()) return;
    if (connection.read_head().starts_with("GET /ready ")) {
      return connection.send("HTTP/1.1 200 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    connection.send(switching());
    ++sockets;
    wait_until("both to be there", [&] { return sockets >= 2; });
    connection.send(close_from_pod(4200));
    while (!connection.at_end()) (void)connection.read_some();
  });
  GatewayFixture gateway(in_front_of(backend, {.upstream = kRareProbe}));
  gateway.wait_for_ready();
  const auto before = transitions(gateway);
  std::vector<RawClient> clients;
  for (const auto& source : kSources) clients.push_back(open_from(source, gateway));
  for (auto& client : clients) expect_close(client, 4200);
  wait_until("it to be taken out and to come back", [&] { return transitions(gateway) == before + 2; });
  CHECK(gateway.endpoints().at(0).state == EndpointState::ready);
}

TEST_CASE("which codes, addresses and endpoints count") {
  CHECK(Leaving{.sources = kSources}.is_seen());
  CHECK(Leaving{.code = 1013, .sources = kSources}.is_seen());
  CHECK(Leaving{.sources = kSources, .setup = {.route = "    webSocket: { inspect: watch }\n"}}.is_seen());
  CHECK_FALSE(Leaving{.code = 1001, .sources = kSources}.is_seen());
  CHECK_FALSE(Leaving{.code = 1000, .sources = kSources}.is_seen());
  // No pong in time: two clients that fall silent together, and the pod is well.
  CHECK_FALSE(Leaving{.code = 4201, .sources = kSources}.is_seen());
  CHECK_FALSE(Leaving{.sources = std::vector<std::string>(5, "127.0.0.1")}.is_seen());
  CHECK_FALSE(
      Leaving{.sources = kSources, .setup = {.route = "    webSocket: { inspect: off }\n"}}.is_seen());
  CHECK_FALSE(Leaving{.sources = kSources, .setup = {.upstream = "    virtual: true\n"}}.is_seen());
}

TEST_CASE("three sockets of one client, closed before it said a word, are enough") {
  const std::vector<std::string> one_client(3, "127.0.0.1");
  CHECK(Leaving{.sources = one_client, .talk = false}.is_seen());
  CHECK_FALSE(Leaving{.sources = one_client, .talk = true}.is_seen());
  CHECK_FALSE(Leaving{.sources = {"127.0.0.1", "127.0.0.1"}, .talk = false}.is_seen());
}

TEST_CASE("a client's address is what a trusted proxy says of it") {
  LeavingPod pod(4200);
  GatewayFixture gateway(in_front_of(pod.backend, {.rest = "trustedProxies: [127.0.0.1]\n"}));
  const auto open = [&](const std::string& address) {
    RawClient client(gateway.port());
    client.send(handshake("X-Forwarded-For: " + address + "\r\n"));
    CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
    expect_echo(client, "hello");
    return client;
  };
  const auto before = transitions(gateway);
  // The same /64 is the same client.
  std::vector<RawClient> clients;
  clients.push_back(open("2001:db8::1"));
  clients.push_back(open("2001:db8::2"));
  pod.left = true;
  for (auto& client : clients) expect_close(client, 4200);
  gateway.settle();
  CHECK(transitions(gateway) == before);
  pod.left = false;
  clients.clear();
  clients.push_back(open("192.0.2.1"));
  clients.push_back(open("192.0.2.2"));
  pod.left = true;
  gateway.wait_for_state(pod.backend.address(), EndpointState::unready);
}

TEST_CASE("of a pod that closes hundreds of sockets, one sign reaches control") {
  LeavingPod pod(4200);
  GatewayFixture gateway(in_front_of(pod.backend, {.upstream = kRareProbe, .rest = "workers: 2\n"}));
  gateway.wait_for_ready();
  const auto before = transitions(gateway);
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < 200; ++i) clients.push_back(open_from(kSources[i % 2], gateway));
  pod.left = true;
  for (auto& client : clients) expect_close(client, 4200);
  gateway.wait_for_state(pod.backend.address(), EndpointState::unready);
  gateway.settle();
  CHECK(signs(gateway, LeaveSign::clients) + signs(gateway, LeaveSign::newcomers) == 1);
  CHECK(transitions(gateway) == before + 1);
}

TEST_CASE("newcomers of one client take out one pod, not one after the other") {
  ScriptedBackend first;
  ScriptedBackend second;
  const auto send_away = [](RawSocket& connection) {
    if (connection.at_end()) return;
    if (connection.read_head().starts_with("GET /ready ")) {
      return connection.send("HTTP/1.1 200 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    connection.send(switching() + close_from_pod(4200));
    while (!connection.at_end()) (void)connection.read_some();
  };
  first.serve(send_away);
  second.serve(send_away);
  GatewayFixture gateway(in_front_of({&first, &second}, {.upstream = kRareProbe}));
  gateway.wait_for_ready();
  const auto meet = [&] {
    auto client = open_client(gateway);
    expect_close(client, 4200);
  };
  for (int i = 0; i < 300 && signs(gateway, LeaveSign::newcomers) == 0; ++i) meet();
  const auto seen = std::chrono::steady_clock::now();
  CHECK(signs(gateway, LeaveSign::newcomers) == 1);
  for (int i = 0; i < 12; ++i) meet();
  const auto count = signs(gateway, LeaveSign::newcomers);
  if (std::chrono::steady_clock::now() - seen < 4s) CHECK(count == 1);
}

TEST_CASE("a pod that answers nobody is out once two clients have met it, and no earlier") {
  ScriptedBackend backend;
  backend.serve([](RawSocket& connection) {
    if (connection.at_end()) return;
    if (connection.read_head().starts_with("GET /ready "))
      connection.send("HTTP/1.1 200 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  GatewayFixture gateway(in_front_of(backend, {.upstream = kRareProbe + "    hold: off\n    retry: off\n"}));
  gateway.wait_for_ready();
  const auto before = transitions(gateway);
  const auto lose = [&](const std::string& source) {
    auto client = RawClient::from(source, gateway.port());
    client.send(handshake());
    CHECK(client.read_head().starts_with("HTTP/1.1 502 "));
  };
  for (int i = 0; i < 3; ++i) lose(kSources[0]);
  gateway.settle();
  CHECK(transitions(gateway) == before);
  // By turns, since on a busy machine two of them may be a second apart.
  for (std::size_t i = 1; i < 300 && signs(gateway, LeaveSign::losses) == 0; ++i) lose(kSources[i % 2]);
  CHECK(signs(gateway, LeaveSign::losses) == 1);
  wait_until("it to be taken out, probed and back", [&] { return transitions(gateway) == before + 2; });
}
