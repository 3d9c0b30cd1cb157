// An endpoint that stops being ready while a connect to it is pending gets not one byte of the request: it is
// looked at once more between the last wait and the first byte.
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

// Lets the connect through and waits until it has been given up.
void expect_not_one_byte(const GatewayFixture& gateway, ScriptedBackend& leaving) {
  std::vector<RawSocket> accepted;  // the crowd that filled the queue says nothing and stays
  bool given_up = false;
  wait_until("the connect to be given up", [&] {
    if (leaving.has_connection()) accepted.push_back(leaving.accept());
    std::erase_if(accepted, [&](RawSocket& socket) {
      if (!socket.has_input()) return false;
      if (socket.at_end()) {
        CHECK(socket.received() == 0);
        given_up = true;
      } else {
        CHECK(socket.read_head().starts_with("GET /ready "));  // a probe may look, a request may not
      }
      return true;
    });
    return given_up;
  });
  for (auto& socket : accepted) CHECK(socket.received() == 0);
  wait_until("its place to be free", [&] { return active(gateway, leaving.address()) == 0; });
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
