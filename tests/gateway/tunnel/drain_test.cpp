// An endpoint is left at a pace: one socket after the other, the idle ones first, and only while their
// clients have somewhere to go.
#include <algorithm>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;
using tidegate::upstream::AdminOrder;
using tidegate::upstream::EndpointState;

namespace {

// All clients are at the first pod, and the second is ready.
struct Scene {
  Scene(std::size_t sockets, const std::string& upstream, const std::string& rest = "")
      : gateway(in_front_of({&leaving.backend, &staying.backend}, {.upstream = upstream, .rest = rest})) {
    gateway.order(staying.backend.address(), AdminOrder::drain);
    for (std::size_t i = 0; i < sockets; ++i) clients.push_back(open_client(gateway));
    gateway.order(staying.backend.address(), AdminOrder::none);
    gateway.wait_for_state(staying.backend.address(), EndpointState::ready);
  }

  void drain() { gateway.order(leaving.backend.address(), AdminOrder::drain); }
  // Those that have had a word, by their numbers.
  [[nodiscard]] std::vector<std::size_t> told() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < clients.size(); ++i)
      if (clients[i].has_input()) all.push_back(i);
    return all;
  }
  std::vector<std::size_t> wait_for_told(std::size_t count) {
    wait_until("the next to be told", [&] { return told().size() >= count; });
    return told();
  }

  EchoPod leaving;
  EchoPod staying;
  GatewayFixture gateway;
  std::vector<RawClient> clients;
};

}  // namespace

TEST_CASE("the sockets of a draining endpoint end one by one, by the configured Close") {
  Scene scene(12, "    drain: { window: 3s, deadline: 60s }\n    closes: { draining: 4200 }\n");
  scene.drain();
  const auto first = scene.wait_for_told(1).size();
  CHECK(first < 6);
  CHECK(tunnels(scene.gateway) >= 6);
  for (auto& client : scene.clients) {
    expect_close(client, 4200);
    CHECK(client.expect_end() == StreamEnd::orderly);
    client.close();
  }
  wait_for_no_tunnels(scene.gateway);
  CHECK(scene.leaving.sockets == 0);
}

TEST_CASE("who has been silent the longest goes first") {
  Scene scene(6, "    drain: { window: 6s, deadline: 60s }\n");
  for (const std::size_t busy : {0U, 2U, 4U}) expect_echo(scene.clients[busy], "here");
  scene.drain();
  (void)scene.wait_for_told(1);
  for (const std::size_t silent : {1U, 3U, 5U}) expect_close(scene.clients[silent], 1012);
  for (const std::size_t busy : {0U, 2U, 4U}) expect_echo(scene.clients[busy], "still here");
}

TEST_CASE("an endpoint that is taken back keeps the sockets that it still has") {
  Scene scene(20, "    drain: { window: 40s, deadline: 200s }\n");
  scene.drain();
  (void)scene.wait_for_told(1);
  scene.gateway.order(scene.leaving.backend.address(), AdminOrder::none);
  scene.gateway.settle();
  const auto told = scene.told();
  CHECK(told.size() < 10);
  for (std::size_t i = 0; i < scene.clients.size(); ++i) {
    if (std::find(told.begin(), told.end(), i) == told.end()) expect_echo(scene.clients[i], "still here");
  }
}

TEST_CASE("where no other endpoint can take its clients they stay until the deadline") {
  Scene scene(3, "    drain: { window: 100ms, deadline: 1500ms }\n");
  scene.gateway.order(scene.staying.backend.address(), AdminOrder::drain);
  const auto begin = std::chrono::steady_clock::now();
  scene.drain();
  for (auto& client : scene.clients) expect_close(client, 1012);
  CHECK(std::chrono::steady_clock::now() - begin >= 1500ms);
}

TEST_CASE("no more are sent away than others have room for") {
  Scene scene(5, "    maxConnections: 5\n    drain: { window: 50ms, deadline: 60s }\n");
  std::vector<RawClient> others;
  for (int i = 0; i < 3; ++i) others.push_back(open_client(scene.gateway));
  CHECK(scene.staying.sockets == 3);
  scene.drain();
  const auto told = scene.wait_for_told(2);
  REQUIRE(told.size() == 2);
  std::vector<std::size_t> remaining;
  for (std::size_t i = 0; i < scene.clients.size(); ++i)
    if (std::find(told.begin(), told.end(), i) == told.end()) remaining.push_back(i);
  std::vector<RawClient> back;
  const auto come_back = [&](std::size_t i) {
    expect_close(scene.clients[i], 1012);
    scene.clients[i].close();
    back.push_back(open_client(scene.gateway));
  };
  for (const auto i : told) come_back(i);
  for (const auto i : remaining) expect_echo(scene.clients[i], "still here");
  others.clear();
  for (const auto i : remaining) come_back(i);
  for (auto& client : back) expect_echo(client, "back");
}

TEST_CASE("a gateway that ends spreads its goodbyes over the window, and is gone before the deadline") {
  Scene scene(8, "", "shutdown: { delay: 0s, window: 1s, deadline: 60s }\n");
  scene.gateway.shut_down();
  for (auto& client : scene.clients) {
    expect_close(client, 1001);
    CHECK(client.expect_end() == StreamEnd::orderly);
    client.close();
  }
  CHECK(scene.gateway.ended_within(kPatience));
}

TEST_CASE("surplus sockets are moved slowly until the spread is within the tolerance, the idle ones first") {
  Scene scene(10, "    balance: least-connections\n    rebalance: { perSecond: 20, tolerancePercent: 20 }\n");
  for (std::size_t busy = 5; busy < 10; ++busy) expect_echo(scene.clients[busy], "here");
  std::vector<RawClient> back;
  for (std::size_t silent = 0; silent < 4; ++silent) {
    expect_close(scene.clients[silent], 1012);
    scene.clients[silent].close();
    back.push_back(open_client(scene.gateway));
  }
  for (std::size_t busy = 5; busy < 10; ++busy) expect_echo(scene.clients[busy], "still here");
  for (auto& client : back) expect_echo(client, "moved");
  CHECK(scene.staying.sockets == 4);
}
