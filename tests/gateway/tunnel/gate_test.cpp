// An endpoint that stops being ready while a connect to it is pending gets not one byte of the request: the
// connect is called off, and between the last wait and the first byte the endpoint is looked at once more.
#include <thread>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using tidegate::upstream::AdminOrder;
using tidegate::upstream::EndpointState;
using tidegate::upstream::Verdict;

namespace {

int active(const GatewayFixture& gateway, const std::string& address) {
  for (const auto& endpoint : gateway.endpoints()) {
    if (endpoint.address == address) return endpoint.active;
  }
  return -1;
}

// Waits until the connect has been given up, and looks at what has come through.
void expect_not_one_byte(const GatewayFixture& gateway, ScriptedBackend& leaving) {
  wait_until("its place to be free", [&] { return active(gateway, leaving.address()) == 0; });
  while (leaving.has_connection()) {
    auto socket = leaving.accept();  // of the crowd that filled the queue, or the connect after all
    if (!socket.has_input() || socket.at_end()) continue;
    CHECK(socket.read_head().starts_with("GET /ready "));  // a probe may look, a request may not
  }
}

std::uint64_t repicks(const GatewayFixture& gateway) {
  return gateway.upstream("pods", [](const auto& c) { return c.repicks.value(); });
}

// Two endpoints; a request is on its way to the first, whose queue is full, so that the connect hangs.
struct Scene {
  explicit Scene(const std::string& request) : gateway(in_front_of({&leaving, &staying})) {
    leaving.ignore_connects();
    gateway.order(staying.address(), AdminOrder::drain);  // leaves one to choose
    client = std::make_unique<RawClient>(gateway.port());
    client->send(request);
    wait_until("the connect to hang", [&] { return active(gateway, leaving.address()) == 1; });
    gateway.order(staying.address(), AdminOrder::none);
    gateway.wait_for_state(staying.address(), EndpointState::ready);
  }

  void expect_not_one_byte() { ::expect_not_one_byte(gateway, leaving); }

  ScriptedBackend leaving;
  ScriptedBackend staying;
  GatewayFixture gateway;
  std::unique_ptr<RawClient> client;
};

}  // namespace

TEST_CASE("an endpoint that turns draining while a connect to it is pending gets not one byte") {
  SECTION("of a handshake") {
    Scene scene(handshake());
    scene.gateway.order(scene.leaving.address(), AdminOrder::drain);
    scene.expect_not_one_byte();
    auto pod = scene.staying.accept();
    (void)pod.read_head();
    pod.send(switching());
    CHECK(scene.client->read_head().starts_with("HTTP/1.1 101 "));
    CHECK(repicks(scene.gateway) == 1);
  }
  SECTION("of a request with a body, which is sent whole to the other") {
    Scene scene(post("not lost"));
    scene.gateway.order(scene.leaving.address(), AdminOrder::drain);
    scene.expect_not_one_byte();
    auto pod = scene.staying.accept();
    CHECK(pod.read_request().body == "not lost");
    pod.send(ok("fine"));
    CHECK(scene.client->read_answer().body == "fine");
    CHECK(repicks(scene.gateway) == 1);
  }
}

// The request waited for the connect's own deadline, though nothing could come of it any more.
TEST_CASE("a connect that is pending when its endpoint leaves is given up at once") {
  ScriptedBackend leaving;
  ScriptedBackend staying;
  const Setup patient{.upstream = "    timeouts: { connect: 60s }\n    retry: { total: 60s }\n"};
  GatewayFixture gateway(in_front_of({&leaving, &staying}, patient));
  leaving.ignore_connects();
  gateway.order(staying.address(), AdminOrder::drain);
  RawClient client(gateway.port());
  client.send(handshake());
  RawClient other(gateway.port());
  other.send(post("not lost"));
  wait_until("both connects to hang", [&] { return active(gateway, leaving.address()) == 2; });
  gateway.order(staying.address(), AdminOrder::none);
  gateway.wait_for_state(staying.address(), EndpointState::ready);
  SECTION("draining") {
    gateway.order(leaving.address(), AdminOrder::drain);
  }
  SECTION("unready") {
    gateway.report_verdict(leaving.address(), Verdict::fail);
  }
  // The crowd is never let go: what follows is not owed to the pod's answer, nor to the deadline.
  for (int i = 0; i < 2; ++i) {
    auto pod = staying.accept();
    const auto request = pod.read_request();
    if (request.method == "POST") {
      CHECK(request.body == "not lost");
      pod.send(ok("fine"));
      CHECK(other.read_answer().body == "fine");
    } else {
      pod.send(switching());
      CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
    }
  }
  CHECK(repicks(gateway) == 2);
  wait_until("its places to be free", [&] { return active(gateway, leaving.address()) == 0; });
}

TEST_CASE("a TLS handshake that is pending when its endpoint leaves is given up at once") {
  ScriptedBackend leaving;  // accepts and says nothing
  ScriptedBackend staying;
  const Setup patient{.upstream =
                          "    tls: { verify: false }\n"
                          "    timeouts: { connect: 60s }\n    retry: { total: 60s }\n"};
  GatewayFixture gateway(in_front_of({&leaving, &staying}, patient));
  gateway.order(staying.address(), AdminOrder::drain);
  RawClient client(gateway.port());
  client.send(get());
  auto silent = leaving.accept();
  CHECK(silent.has_input(kPatience));
  gateway.order(staying.address(), AdminOrder::none);
  gateway.wait_for_state(staying.address(), EndpointState::ready);
  gateway.order(leaving.address(), AdminOrder::drain);
  auto pod = staying.accept();
  CHECK(pod.has_input(kPatience));
  CHECK(repicks(gateway) == 1);
}

TEST_CASE("an endpoint that turns draining when the connect to it has just succeeded gets not one byte") {
  Scene scene(post("not lost"));
  bool connected = false;
  bool draining = false;
  std::thread operation;
  // The worker is kept from looking until both are true: what is ready on its sockets it sees first.
  scene.gateway.run_on_workers([&] {
    scene.leaving.release_connects();
    connected = scene.leaving.has_connection(kPatience);
    operation = std::thread([&] { scene.gateway.order(scene.leaving.address(), AdminOrder::drain); });
    draining = holds_within(kPatience / 2, [&] {
      const auto all = scene.gateway.endpoints();
      return std::any_of(all.begin(), all.end(),
                         [](const auto& endpoint) { return endpoint.state == EndpointState::draining; });
    });
  });
  operation.join();
  CHECK(connected);
  CHECK(draining);
  auto left = scene.leaving.accept();
  CHECK(left.expect_end() == StreamEnd::orderly);
  CHECK(left.received() == 0);
  auto pod = scene.staying.accept();
  CHECK(pod.read_request().body == "not lost");
  pod.send(ok("fine"));
  CHECK(scene.client->read_answer().body == "fine");
  CHECK(repicks(scene.gateway) == 1);
}

TEST_CASE("an endpoint that turns unready while a connect to it is pending gets not one byte") {
  EchoPod leaving;
  EchoPod staying;
  // A probe, so that nothing else makes it ready again meanwhile.
  GatewayFixture gateway(
      in_front_of({&leaving.backend, &staying.backend},
                  {.upstream = "    readinessProbe: { httpGet: { path: /ready }, periodSeconds: 60 }\n"}));
  gateway.wait_for_ready();
  leaving.backend.ignore_connects();
  gateway.order(staying.backend.address(), AdminOrder::drain);
  RawClient client(gateway.port());
  client.send(handshake());
  wait_until("the connect to hang", [&] { return active(gateway, leaving.backend.address()) == 1; });
  gateway.order(staying.backend.address(), AdminOrder::none);
  gateway.wait_for_state(staying.backend.address(), EndpointState::ready);
  gateway.report_verdict(leaving.backend.address(), Verdict::fail);
  expect_not_one_byte(gateway, leaving.backend);
  CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
  CHECK(repicks(gateway) == 1);
  CHECK(staying.handshakes == 1);
  CHECK(leaving.handshakes == 0);
}

TEST_CASE("where no other endpoint is left, the request waits for one") {
  Scene scene(handshake());
  scene.gateway.order(scene.staying.address(), AdminOrder::drain);
  scene.gateway.order(scene.leaving.address(), AdminOrder::drain);
  scene.expect_not_one_byte();
  wait_until("the request to wait", [&] { return scene.gateway.waiting("pods") == 1; });
  CHECK(scene.staying.untouched());
  scene.gateway.order(scene.staying.address(), AdminOrder::none);
  auto pod = scene.staying.accept();
  (void)pod.read_head();
  pod.send(switching());
  CHECK(scene.client->read_head().starts_with("HTTP/1.1 101 "));
}

TEST_CASE("an idle connection to an endpoint that drains is closed and never used") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send(get());
  auto pooled = backend.answer_one(ok("first"));
  CHECK(client.read_answer().status == 200);
  CHECK_FALSE(pooled.has_input());
  gateway.order(backend.address(), AdminOrder::drain);
  CHECK(pooled.expect_end() == StreamEnd::orderly);
}

TEST_CASE("a connect that is called off leaves no address of an earlier try in the answer") {
  ScriptedBackend refusing;
  ScriptedBackend leaving;
  auto yaml = in_front_of({&refusing, &leaving}, {.upstream = "    hold: off\n"});
  const auto first = "'" + refusing.address() + "'";
  yaml.replace(yaml.find(first), first.size(), "{ address: " + first + ", weight: 100 }");  // tried first
  GatewayFixture gateway(yaml);
  refusing.refuse();
  leaving.ignore_connects();
  RawClient client(gateway.port());
  client.send(get());
  wait_until("the connect to hang", [&] { return active(gateway, leaving.address()) == 1; });
  gateway.order(leaving.address(), AdminOrder::drain);
  const auto answer = client.read_answer();
  CHECK(answer.status == 503);
  CHECK(answer.body.find("127.0.0.1:") == std::string::npos);
  CHECK(answer.field("Proxy-Status").find("127.0.0.1:") == std::string::npos);
}
