// Which endpoint a request goes to, and how many connections one may have.
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// Three endpoints that answer with their numbers.
struct ThreePods {
  explicit ThreePods(const Setup& setup) : gateway(start(setup)) {}

  std::string start(const Setup& setup) {
    for (std::size_t i = 0; i < pods.size(); ++i) pods[i].serve(answer_all(std::to_string(i)));
    return in_front_of({&pods[0], &pods[1], &pods[2]}, setup);
  }
  Answer ask(const std::string& target = "/", const std::string& fields = "") {
    RawClient client(gateway.port());
    return client.get(target, fields);
  }

  std::array<ScriptedBackend, 3> pods;
  GatewayFixture gateway;
};

}  // namespace

TEST_CASE("round robin gives each endpoint the same share") {
  ThreePods t({});
  std::map<std::string, int> shares;
  for (int i = 0; i < 30; ++i) ++shares[t.ask().body];
  CHECK(shares == std::map<std::string, int>{{"0", 10}, {"1", 10}, {"2", 10}});
}

TEST_CASE("hash: equal keys meet the same endpoint") {
  SECTION("path") {
    ThreePods t({.upstream = "    balance: { hash: path }\n"});
    std::set<std::string> met;
    for (int i = 0; i < 20; ++i) {
      const auto path = "/" + std::to_string(i);
      const auto first = t.ask(path).body;
      CHECK(t.ask(path).body == first);
      met.insert(first);
    }
    CHECK(met.size() == 3);
  }
  SECTION("header") {
    ThreePods t({.upstream = "    balance: { hash: { header: X-Key } }\n"});
    const auto first = t.ask("/", "X-Key: a\r\n").body;
    for (int i = 0; i < 5; ++i) CHECK(t.ask("/other", "X-Key: a\r\n").body == first);
  }
  SECTION("cookie") {
    ThreePods t({.upstream = "    balance: { hash: { cookie: key } }\n"});
    const auto first = t.ask("/", "Cookie: a=b; key=1\r\n").body;
    for (int i = 0; i < 5; ++i) CHECK(t.ask("/", "Cookie: key=1\r\n").body == first);
  }
  SECTION("client address") {
    ThreePods t({.upstream = "    balance: hash\n"});
    const auto first = t.ask().body;
    for (int i = 0; i < 5; ++i) CHECK(t.ask().body == first);
  }
}

TEST_CASE("sticky: the gateway's cookie leads back to the same endpoint, and moves when that one is gone") {
  ThreePods t({.upstream = "    balance: { sticky: { cookie: where } }\n"});
  const auto first = t.ask();
  const auto issued = first.field("Set-Cookie");
  CHECK(issued.starts_with("where="));
  CHECK(issued.find("; Path=/; HttpOnly; SameSite=Lax") != std::string::npos);
  const auto cookie = "Cookie: a=b; " + issued.substr(0, issued.find(';')) + "\r\n";
  for (int i = 0; i < 6; ++i) {
    const auto again = t.ask("/", cookie);
    CHECK(again.body == first.body);
    CHECK_FALSE(again.has("Set-Cookie"));
  }
  t.gateway.order(t.pods.at(std::stoul(first.body)).address(), upstream::AdminOrder::drain);
  const auto moved = t.ask("/", cookie);
  CHECK(moved.body != first.body);
  CHECK(moved.field("Set-Cookie").starts_with("where="));
  CHECK(t.ask("/", "Cookie: where=invented\r\n").status == 200);
}

TEST_CASE("least-connections goes where the fewest are in progress") {
  ScriptedBackend first;
  ScriptedBackend second;
  GatewayFixture gateway(in_front_of({&first, &second}, {.upstream = "    balance: least-connections\n"}));
  RawClient busy(gateway.port());
  busy.send(get("/slow"));
  wait_until("a connection", [&] { return first.has_connection() || second.has_connection(); });
  auto& slow = first.has_connection() ? first : second;
  auto& free = &slow == &first ? second : first;
  auto stalled = slow.accept();
  free.serve(answer_all("free"));
  for (int i = 0; i < 4; ++i) {
    RawClient client(gateway.port());
    CHECK(client.get().body == "free");
  }
}

TEST_CASE("maxConnections is never exceeded, by two workers and many clients, and all are served") {
  constexpr int most = 3;
  ScriptedBackend backend;
  backend.serve(answer_all("here"));
  GatewayFixture gateway(
      in_front_of(backend, {.upstream = "    maxConnections: 3\n", .rest = "workers: 2\n"}));
  std::atomic<int> served{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&] {
      RawClient client(gateway.port());
      for (int n = 0; n < 10; ++n) {
        if (client.get().body == "here") ++served;
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(served == 160);
  CHECK(backend.most_open_connections() <= most);
  CHECK(backend.failures().empty());
}

TEST_CASE("a full endpoint is passed over, and where nobody may wait its limit is the reason") {
  OnePod t({.upstream = "    maxConnections: 1\n    hold: off\n"});
  t.client.send(get());
  auto pod = t.backend.accept();
  (void)pod.read_request();
  RawClient other(t.gateway.port());
  const auto answer = other.get();
  CHECK(answer.status == 503);
  CHECK(answer.field("Proxy-Status").find("error=connection_limit_reached") != std::string::npos);
  CHECK_FALSE(answer.field("Retry-After").empty());
}

TEST_CASE("an idle connection holds no place against its endpoint's limit for long") {
  OnePod t({.upstream = "    maxConnections: 1\n    timeouts: { poolIdle: 1h }\n"});
  for (int i = 0; i < 5; ++i) {
    RawClient client(t.gateway.port());
    client.send(i % 2 == 0 ? get() : post("x"));
    wait_until("the request to reach the endpoint", [&] { return t.backend.has_connection(); });
    auto pod = t.backend.answer_one(ok("x"));
    CHECK(client.read_answer().body == "x");
    if (i % 2 == 0) (void)pod.read_to_end();
  }
}
