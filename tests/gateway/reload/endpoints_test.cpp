// Upstreams and their endpoints over reloads.
#include <algorithm>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate;
using namespace tidegate::test;
using upstream::EndpointState;

TEST_CASE("what stays keeps its endpoint: number, verdict, counts and idle connections") {
  ScriptedBackend backend;
  ScriptedBackend other;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  CHECK(client.get().body == "x");
  const auto before = gateway.endpoints().front();
  CHECK(gateway.reload(in_front_of({&backend, &other}, {.upstream = "    timeouts: { connect: 3s }\n"}))
            .succeeded);
  const auto all = gateway.endpoints();
  REQUIRE(all.size() == 2);
  CHECK(all.front().id == before.id);
  CHECK(all.front().transitions == before.transitions);
  CHECK(gateway.reload(in_front_of(backend)).succeeded);
  CHECK(client.get().body == "x");
  CHECK(backend.connections() == 1);  // the same connection, over two reloads
}

TEST_CASE("an endpoint that is added gets requests, one that is removed drains") {
  ScriptedBackend first;
  ScriptedBackend second;
  first.serve(answer_all("first"));
  second.serve(answer_all("second"));
  GatewayFixture gateway(in_front_of(first));
  RawClient client(gateway.port());
  CHECK(client.get().body == "first");
  CHECK(gateway.reload(in_front_of(second)).succeeded);
  for (int i = 0; i < 5; ++i) CHECK(client.get().body == "second");
  wait_until("the first to be forgotten", [&] { return gateway.endpoints().size() == 1; });
  CHECK(gateway.endpoints().front().address == second.address());
}

TEST_CASE("tunnels of an endpoint that is removed leave by the drain, not before") {
  EchoPod leaving;
  EchoPod staying;
  const auto yaml = [](const EchoPod& pod) {
    return in_front_of(pod.backend, {.upstream = "    drain: { window: 1s }\n"});
  };
  GatewayFixture gateway(yaml(leaving));
  auto client = open_client(gateway);
  expect_echo(client, "before");
  CHECK(gateway.reload(yaml(staying)).succeeded);
  gateway.wait_for_state(leaving.backend.address(), EndpointState::draining);
  expect_echo(client, "after");
  expect_close(client, 1012);
}

TEST_CASE("an upstream that is removed drains; back again it goes on") {
  ScriptedBackend backend;
  ScriptedBackend other;
  backend.serve(answer_all("x"));
  other.serve(answer_all("y"));
  GatewayFixture gateway(in_front_of(backend));
  auto renamed = in_front_of(other);
  for (auto at = renamed.find("pods"); at != std::string::npos; at = renamed.find("pods", at))
    renamed.replace(at, 4, "rest");
  RawClient client(gateway.port());
  CHECK(client.get().body == "x");
  CHECK(gateway.reload(renamed).succeeded);
  CHECK(client.get().body == "y");
  wait_until("the old one to be forgotten", [&] { return gateway.endpoints().size() == 1; });
  CHECK(gateway.reload(in_front_of(backend)).succeeded);
  CHECK(client.get().body == "x");
  CHECK(gateway.requests("pods", gateway::StatusClass::success) == 2);  // counters never go back
}

TEST_CASE("idle connections are not used further when pods are to be spoken to otherwise") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  CHECK(client.get().body == "x");
  CHECK(gateway.reload(in_front_of(backend, {.upstream = "    sourceAddresses: [ 127.0.0.2 ]\n"})).succeeded);
  CHECK(client.get().body == "x");
  CHECK(backend.connections() == 2);
}

TEST_CASE("limits keep their counts over a reload") {
  const auto yaml = [](const std::string& body) {
    return "listeners: [ '127.0.0.1:0' ]\nlimits: { few: { requests: { rate: 1/m, burst: 1, noDelay: true } "
           "} }\n"
           "routes: [ { path: /, limits: [ few ], respond: { body: " +
           body + " } } ]\n";
  };
  GatewayFixture gateway(yaml("a"));
  RawClient client(gateway.port());
  CHECK(client.get().status == 200);
  CHECK(gateway.reload(yaml("b")).succeeded);
  int refused = 0;
  for (int i = 0; i < 3; ++i) {
    RawClient again(gateway.port());
    again.send(get("/", "Connection: close\r\n"));
    const auto answer = again.read_answer();
    if (answer.status == 429) ++refused;
  }
  CHECK(refused >= 2);
}
