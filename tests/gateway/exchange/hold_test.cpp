// Waiting for an endpoint instead of failing: in order, bounded, and given up when the client leaves.
#include <mutex>
#include <string>
#include <vector>

#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;
using gateway::HoldResult;

namespace {

// An endpoint that is not ready until the test says so.
struct Closed {
  explicit Closed(const std::string& upstream = "", const std::string& rest = "")
      : gateway(in_front_of(
            backend, {.upstream = "    readinessProbe: { tcpSocket: {}, periodSeconds: 1 }\n" + upstream,
                      .rest = rest})) {}
  void wait_for_waiting(std::uint64_t count) {
    wait_until(std::to_string(count) + " to wait", [&] { return gateway.waiting("pods") == count; });
  }

  struct Refusing : ScriptedBackend {
    Refusing() { refuse(); }
  };
  Refusing backend;
  GatewayFixture gateway;
};

}  // namespace

TEST_CASE("a held request is served when the endpoint turns ready, and its time is counted") {
  Closed t;
  t.backend.serve(answer_all("at last"));
  RawClient client(t.gateway.port());
  client.send(post("kept"));
  t.wait_for_waiting(1);
  t.backend.listen();
  CHECK(client.read_answer().body == "at last");
  CHECK(t.gateway.holds("pods", HoldResult::granted) == 1);
  CHECK(t.gateway.waiting("pods") == 0);
}

TEST_CASE("a held request that nobody can serve is 503 with Retry-After after maxWait") {
  Closed t("    hold: { maxWait: 150ms }\n");
  RawClient client(t.gateway.port());
  const auto answer = client.get();
  CHECK(answer.status == 503);
  CHECK_FALSE(answer.field("Retry-After").empty());
  CHECK(answer.field("Proxy-Status").find("error=destination_unavailable") != std::string::npos);
  CHECK(t.gateway.holds("pods", HoldResult::expired) == 1);
  CHECK(client.get().status == 503);  // the connection goes on
}

TEST_CASE("a client that leaves while it waits frees its place at once") {
  Closed t("    hold: { maxWaiting: 1 }\n");
  RawClient first(t.gateway.port());
  first.send(get());
  t.wait_for_waiting(1);
  RawClient second(t.gateway.port());
  CHECK(second.get().status == 503);
  CHECK(t.gateway.holds("pods", HoldResult::refused) == 1);
  first.reset();
  t.wait_for_waiting(0);
  CHECK(t.gateway.holds("pods", HoldResult::abandoned) == 1);
  CHECK(t.gateway.requests("pods", gateway::StatusClass::client_gone) == 1);
  RawClient third(t.gateway.port());
  third.send(get());
  t.wait_for_waiting(1);
  t.backend.listen();
  auto pod = t.backend.accept();
  while (pod.at_end()) pod = t.backend.accept();  // probes say nothing
  (void)pod.read_request();
  pod.send(ok("third"));
  CHECK(third.read_answer().body == "third");
}

TEST_CASE("those who wait are served in the order in which they came, over two workers") {
  Closed t("    hold: { releasePerSecond: 20 }\n    maxConnections: 1\n    pool: { size: 0 }\n",
           "workers: 2\n");
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(t.gateway.port());
    clients.back().send(get("/" + std::to_string(i)));
    t.wait_for_waiting(static_cast<std::uint64_t>(i) + 1);
    t.gateway.settle();
  }
  std::mutex mutex;
  std::vector<std::string> order;
  t.backend.serve([&](RawSocket& connection) {
    if (connection.at_end()) return;
    const auto request = connection.read_request();
    {
      const std::lock_guard lock(mutex);
      order.push_back(request.target);
    }
    connection.send(ok("x"));
  });
  t.backend.listen();
  for (auto& client : clients) CHECK(client.read_answer().status == 200);
  CHECK(order == std::vector<std::string>{"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7"});
}

TEST_CASE("a newcomer does not overtake those who wait") {
  OnePod t({.upstream = "    maxConnections: 1\n    pool: { size: 0 }\n"});
  t.client.send(get("/1"));
  auto pod = t.backend.accept();
  (void)pod.read_request();
  std::vector<RawClient> clients;
  for (int i = 2; i < 6; ++i) {
    clients.emplace_back(t.gateway.port());
    clients.back().send(get("/" + std::to_string(i)));
    wait_until("it to wait", [&] { return t.gateway.waiting("pods") + 1 == static_cast<std::uint64_t>(i); });
    t.gateway.settle();
  }
  pod.send(ok("x"));
  for (int i = 2; i < 6; ++i) {
    auto next = t.backend.accept();
    CHECK(next.read_request().target == "/" + std::to_string(i));
    next.send(ok("x"));
  }
}

TEST_CASE("requests that fail to connect wait together and none is lost when the endpoint returns") {
  ScriptedBackend backend;
  backend.serve(answer_all("back"));
  backend.refuse();
  GatewayFixture gateway(in_front_of(backend, {.rest = "workers: 2\n"}));
  std::vector<RawClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back(gateway.port());
    clients.back().send(get());
  }
  wait_until("all to wait", [&] { return gateway.waiting("pods") == 50; });
  backend.listen();
  for (auto& client : clients) CHECK(client.read_answer().body == "back");
  CHECK(gateway.requests("pods", gateway::StatusClass::server_error) == 0);
}
