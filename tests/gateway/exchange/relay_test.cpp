// The plain way: a request to an endpoint and its answer back.
#include "tests/support/catch.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/scripted_backend.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::string in_front_of(const ScriptedBackend& backend, const std::string& settings = "") {
  return "listeners: [127.0.0.1:0]\n"
         "routes: [{ path: /, upstream: pods }]\n"
         "upstreams:\n  pods:\n    endpoints: ['" +
         backend.address() + "']\n" + settings;
}

}  // namespace

TEST_CASE("a request reaches the endpoint and its answer the client") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send("GET /a?b=c HTTP/1.1\r\nHost: example.com\r\n\r\n");

  auto pod = backend.accept();
  const auto request = pod.read_request();
  CHECK(request.method == "GET");
  CHECK(request.target == "/a?b=c");
  CHECK(request.field("Host") == "example.com");
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  pod.send(ok("hello", "X-Own: 1\r\n"));

  const auto answer = client.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.field("X-Own") == "1");
  CHECK(answer.body == "hello");
  wait_until("the request to be counted",
             [&] { return gateway.requests("pods", gateway::StatusClass::success) == 1; });
}

TEST_CASE("a second request uses the endpoint's connection again") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto pod = backend.answer_one(ok("1"));
  CHECK(client.read_answer().body == "1");
  client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(pod.read_request().target == "/2");
  pod.send(ok("2"));
  CHECK(client.read_answer().body == "2");
  CHECK(backend.connections() == 1);
}

TEST_CASE("many clients of two workers are all served") {
  ScriptedBackend backend;
  backend.serve(answer_all("here"));
  GatewayFixture gateway(in_front_of(backend, "workers: 2\n"));
  for (int i = 0; i < 20; ++i) {
    RawClient client(gateway.port());
    CHECK(client.get("/").body == "here");
    CHECK(client.get("/again").body == "here");
  }
  CHECK(backend.failures().empty());
}

TEST_CASE("an endpoint that listens again is found") {
  ScriptedBackend backend;
  backend.serve(answer_all("back"));
  backend.refuse();
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  wait_until("the request to be held", [&] { return gateway.waiting("pods") == 1; });
  backend.listen();
  CHECK(client.read_answer().body == "back");
}

TEST_CASE("the fixture shuts the gateway down") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend));
  gateway.wait_for_ready();
  int status = 0;
  (void)gateway.admin("/ready", &status);
  CHECK(status == 200);
  gateway.shut_down();
  CHECK(gateway.ended_within(kPatience));
}
