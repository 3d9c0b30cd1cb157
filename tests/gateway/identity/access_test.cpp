// Who is let in, by address.
#include "tests/gateway/identity/introduced.hpp"
#include "tests/support/error_log_file.hpp"

using namespace tidegate;
using namespace tidegate::test;
using gateway::ConnectionRefusal;
using gateway::FailureReason;

TEST_CASE("a client that a listener denies has its connection closed") {
  ScriptedBackend pod;
  GatewayFixture gateway(in_front_of(pod, {.listener = "    access: [{ deny: 127.0.0.0/8 }]\n"}));
  auto client = RawClient::in_clear_text(gateway.port());
  client.expect_end();
  wait_until("the refusal to be counted",
             [&] { return refusals(gateway, ConnectionRefusal::access_denied) == 1; });
  CHECK(gateway.admin("/metrics").find("tidegate_connections_refused_total{reason=\"access_denied\"} 1\n") !=
        std::string::npos);
  CHECK(pod.untouched());
}

TEST_CASE("the log names who was refused by which list") {
  const ErrorLogFile log;
  const ScriptedBackend pod;
  GatewayFixture at_listener(
      in_front_of(pod, {.listener = "    access: [{ deny: 127.0.0.0/8 }]\n", .rest = log.yaml()}));
  auto client = RawClient::in_clear_text(at_listener.port());
  client.expect_end();
  log.wait_for("`access` of the listener does not let 127.0.0.1 in) \"-\" client=127.0.0.1:");
  CHECK(log.text().find(" listener=127.0.0.1:0 ") != std::string::npos);
  const ErrorLogFile other;
  GatewayFixture at_route(
      in_front_of(pod, {.route = "    access: [{ deny: 127.0.0.0/8 }]\n", .rest = other.yaml()}));
  const auto answer = RawClient(at_route.port()).get();
  CHECK(answer.status == 403);
  CHECK(answer.body.find("127.0.0.1") == std::string::npos);
  other.wait_for("`access` of the route / does not let 127.0.0.1 in");
}

TEST_CASE("the first rule that has the client decides, and whom none has is let in") {
  ScriptedBackend pod;
  pod.serve(answer_all("here"));
  GatewayFixture first(
      in_front_of(pod, {.listener = "    access: [{ allow: [10.0.0.0/8, 127.0.0.1] }, { deny: all }]\n"}));
  CHECK(RawClient(first.port()).get().status == 200);
  GatewayFixture none(in_front_of(pod, {.listener = "    access: [{ deny: 10.0.0.0/8 }]\n"}));
  CHECK(RawClient(none.port()).get().status == 200);
}

TEST_CASE("the address a balancer names is the one that is let in or not") {
  ScriptedBackend pod;
  pod.serve(answer_all("here"));
  GatewayFixture gateway(in_front_of(
      pod,
      {.listener = std::string(kFromLoopback) + "    access: [{ allow: 203.0.113.0/24 }, { deny: all }]\n"}));
  CHECK(introduced(gateway, line_of("203.0.113.9")).get().status == 200);
  auto other = RawClient::in_clear_text(gateway.port());
  other.send(line_of("198.51.100.1"));
  other.expect_end();
  wait_until("the refusal to be counted",
             [&] { return refusals(gateway, ConnectionRefusal::access_denied) == 1; });
}

TEST_CASE("behind a trusted proxy each request is let in or not, by its client") {
  ScriptedBackend pod;
  pod.serve(answer_all("here"));
  GatewayFixture gateway(
      in_front_of(pod, {.listener = "    access: [{ allow: 203.0.113.0/24 }, { deny: all }]\n",
                        .rest = "trustedProxies: [127.0.0.0/8]\n"}));
  RawClient client(gateway.port());
  CHECK(client.get("/", "X-Forwarded-For: 203.0.113.9\r\n").status == 200);
  CHECK(client.get("/", "X-Forwarded-For: 198.51.100.1\r\n").status == 403);
  CHECK(client.get("/", "X-Forwarded-For: 203.0.113.9, 198.51.100.1\r\n").status == 403);
  CHECK(client.get("/").status == 403);  // the proxy itself
  CHECK(client.get("/", "X-Forwarded-For: 203.0.113.9\r\n").status == 200);
  CHECK(gateway.failures(FailureReason::denied) == 3);
}

TEST_CASE("a route's denial is a 403 that says so, and the connection goes on") {
  ScriptedBackend pod;
  pod.serve(answer_all("here"));
  GatewayFixture gateway(
      "listeners: [\"127.0.0.1:0\"]\nroutes:\n"
      "  - { path: /, upstream: pods }\n"
      "  - { path: /admin, upstream: pods, access: [{ deny: 127.0.0.1 }] }\n"
      "  - { path: /hello, respond: { body: hello }, access: [{ deny: all }] }\n"
      "upstreams: { pods: { endpoints: ['" +
      pod.address() + "'] } }\n");
  RawClient client(gateway.port());
  const auto denied = client.get("/admin/x");
  CHECK(denied.status == 403);
  CHECK(denied.field("Proxy-Status").find("http_request_denied") != std::string::npos);
  CHECK(client.get("/%61dmin").status == 403);
  CHECK(client.get("/x/../admin").status == 403);
  CHECK(client.get("/hello").status == 403);
  CHECK(client.get("/").status == 200);
  CHECK(gateway.failures(FailureReason::denied) == 4);
}
