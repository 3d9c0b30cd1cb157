// Pods that come and go: open sockets stay, new handshakes wait, nothing fails.
#include <thread>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;
using tidegate::gateway::HoldResult;
using tidegate::upstream::EndpointState;

namespace {

std::string quick_probe(const std::string& more = {}) {
  return std::string(kProbe) + more;
}

}  // namespace

TEST_CASE("a pod that says not ready keeps its sockets; new handshakes wait and then pass") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend, {.upstream = quick_probe()}));
  gateway.wait_for_ready();
  auto open = open_client(gateway);
  expect_echo(open, "before");
  pod.ready = 503;
  gateway.wait_for_state(pod.backend.address(), EndpointState::unready);
  expect_echo(open, "while not ready");
  RawClient waiting(gateway.port());
  waiting.send(handshake());
  wait_until("the handshake to wait", [&] { return gateway.waiting("pods") == 1; });
  CHECK(pod.handshakes == 1);
  expect_echo(open, "still");
  pod.ready = 200;
  CHECK(waiting.read_head().starts_with("HTTP/1.1 101 "));
  expect_echo(waiting, "after the wait");
  expect_echo(open, "after");
  CHECK(gateway.holds("pods", HoldResult::granted) == 1);
}

TEST_CASE("all pods say not ready for a while: not one open socket is closed") {
  EchoPod first;
  EchoPod second;
  GatewayFixture gateway(
      in_front_of({&first.backend, &second.backend}, {.upstream = quick_probe(), .rest = "workers: 2\n"}));
  gateway.wait_for_ready();
  std::vector<RawClient> open;
  for (int i = 0; i < 40; ++i) open.push_back(open_client(gateway));
  first.ready = second.ready = 503;
  gateway.wait_for_state(first.backend.address(), EndpointState::unready);
  gateway.wait_for_state(second.backend.address(), EndpointState::unready);
  std::vector<RawClient> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.emplace_back(gateway.port());
    waiting.back().send(handshake());
  }
  wait_until("all to wait", [&] { return gateway.waiting("pods") == 20; });
  for (auto& client : open) expect_echo(client, "still open");
  CHECK(tunnels(gateway) == 40);
  first.ready = second.ready = 200;
  for (auto& client : waiting) CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
  for (auto& client : open) expect_echo(client, "still open");
  CHECK(tunnels(gateway) == 60);
}

TEST_CASE("a pod that refuses is out at once and comes back by its probe") {
  EchoPod going;
  EchoPod staying;
  GatewayFixture gateway(in_front_of({&going.backend, &staying.backend}, {.upstream = quick_probe()}));
  gateway.wait_for_ready();
  auto open_there = open_client(gateway);
  auto open_here = open_client(gateway);
  going.backend.refuse();
  for (int i = 0; i < 10; ++i) {
    auto client = open_client(gateway);  // none of them fails
    expect_echo(client, "hello");
  }
  gateway.wait_for_state(going.backend.address(), EndpointState::unready);
  CHECK(gateway.requests("pods", tidegate::gateway::StatusClass::server_error) == 0);
  // Refusing new connections says nothing about those that are open.
  expect_echo(open_there, "still open");
  expect_echo(open_here, "still open");
  going.backend.listen();
  gateway.wait_for_state(going.backend.address(), EndpointState::ready);
  const int before = going.handshakes;
  wait_until("it to be picked again", [&] {
    auto client = open_client(gateway);
    return going.handshakes > before;
  });
}

TEST_CASE("every pod refuses for a while: handshakes wait and none fails") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend, {.upstream = quick_probe()}));
  gateway.wait_for_ready();
  pod.backend.refuse();
  std::vector<RawClient> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.emplace_back(gateway.port());
    waiting.back().send(handshake());
  }
  wait_until("all to wait", [&] { return gateway.waiting("pods") == 10; });
  pod.backend.listen();
  for (auto& client : waiting) CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
}

TEST_CASE("a client that leaves while it waits frees its place") {
  EchoPod pod;
  pod.ready = 503;
  GatewayFixture gateway(
      in_front_of(pod.backend, {.upstream = quick_probe("    hold: { maxWaiting: 1 }\n")}));
  gateway.wait_for_state(pod.backend.address(), EndpointState::unready);
  for (int i = 0; i < 5; ++i) {
    RawClient client(gateway.port());
    client.send(handshake());
    wait_until("it to wait", [&] { return gateway.waiting("pods") == 1; });
    RawClient over(gateway.port());
    over.send(handshake());
    const auto answer = over.read_answer();
    CHECK(answer.status == 503);
    CHECK(answer.has("Retry-After"));
    client.close();
    wait_until("its place to be free", [&] { return gateway.waiting("pods") == 0; });
  }
  CHECK(gateway.holds("pods", HoldResult::abandoned) == 5);
}

TEST_CASE("those who wait are let in in their order and at a pace") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.upstream = "    hold: { releasePerSecond: 10 }\n"}));
  gateway.order(backend.address(), tidegate::upstream::AdminOrder::drain);
  constexpr int count = 5;
  std::vector<RawClient> clients;
  for (int i = 0; i < count; ++i) {
    clients.emplace_back(gateway.port());
    clients.back().send(handshake({}, "/" + std::to_string(i)));
    wait_until("it to wait", [&] { return gateway.waiting("pods") == static_cast<std::uint64_t>(i) + 1; });
  }
  const auto began = std::chrono::steady_clock::now();
  gateway.order(backend.address(), tidegate::upstream::AdminOrder::none);
  std::vector<RawSocket> pods;
  for (int i = 0; i < count; ++i) {
    pods.push_back(backend.accept());
    CHECK(parse_request_head(pods.back().read_head()).target == "/" + std::to_string(i));
    pods.back().send(switching());
    CHECK(clients[static_cast<std::size_t>(i)].read_head().starts_with("HTTP/1.1 101 "));
  }
  // One may go at once, the others each at their turn of 100 ms.
  CHECK(std::chrono::steady_clock::now() - began >= 350ms);
}

TEST_CASE("maxConnections is never exceeded by a pod's own count, with two workers") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(
      pod.backend,
      {.upstream = "    maxConnections: 8\n    hold: { maxWait: 60s }\n    retry: { total: 60s }\n",
       .rest = "workers: 2\n"}));
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      try {
        for (int i = 0; i < 15; ++i) {
          auto client = open_client(gateway);
          client.send(close_from_client(1000));
          (void)client.read_to_end();
        }
      } catch (const std::exception&) {
        ++failed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(pod.handshakes == 16 * 15);
  CHECK(pod.most_sockets <= 8);
  wait_for_no_tunnels(gateway);
  for (const auto& endpoint : gateway.endpoints()) CHECK(endpoint.active == 0);
}
