// Limits of clients through a whole gateway.
#include <chrono>
#include <vector>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/error_log_file.hpp"

using namespace tidegate;
using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

// One limit, named by the route or by the listener.
Setup at_route(const std::string& limit, const std::string& rest = "") {
  return {.route = "    limits: [clients]\n", .rest = "limits:\n  clients: " + limit + "\n" + rest};
}
Setup at_listener(const std::string& limit, const std::string& rest = "") {
  return {.listener = "    limits: [clients]\n", .rest = "limits:\n  clients: " + limit + "\n" + rest};
}

const std::string kTwo = "{ requests: { rate: 1/m, burst: 1, noDelay: true } }";

bool has_metric(const GatewayFixture& gateway, const std::string& line) {
  return gateway.admin("/metrics").find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("RFC 6585 4: over the rate is 429 with Retry-After, and the connection goes on") {
  OnePod t(at_route(kTwo));
  t.backend.serve(answer_all("x"));
  CHECK(t.client.get().status == 200);
  CHECK(t.client.get().status == 200);
  const auto answer = t.client.get();
  CHECK(answer.status == 429);
  const auto after = std::stoi(answer.field("Retry-After"));
  CHECK(after > 50);
  CHECK(after <= 60);
  CHECK(answer.field("Proxy-Status").find("error=http_request_denied") != std::string::npos);
  CHECK_FALSE(answer.has("Connection"));
  CHECK(t.client.get().status == 429);
  wait_until("both to be counted",
             [&] { return t.gateway.failures(gateway::FailureReason::too_many_requests) == 2; });
  CHECK(has_metric(t.gateway,
                   R"(tidegate_limit_refused_total{limit="clients",dry_run="0",kind="requests"} 2)"));
  CHECK(has_metric(t.gateway, R"(tidegate_limit_clients{limit="clients",dry_run="0"} 1)"));
}

TEST_CASE("a request with a body is refused before the body is read, and its connection ends") {
  OnePod t(at_route("{ requests: 1/h }"));
  t.backend.serve(answer_all("x"));
  CHECK(t.client.get().status == 200);
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 429);
  CHECK(answer.field("Connection") == "close");
}

TEST_CASE("two workers and many connections admit what one would") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(
      in_front_of(backend, at_route("{ requests: { rate: 1/m, burst: 9, noDelay: true } }", "workers: 2\n")));
  int admitted = 0;
  for (int i = 0; i < 40; ++i) {
    RawClient client(gateway.port());
    const auto status = client.get().status;
    CHECK((status == 200 || status == 429));
    admitted += status == 200 ? 1 : 0;
  }
  CHECK(admitted == 10);
}

TEST_CASE("the delayed part of a burst waits until the rate has caught up") {
  OnePod t(at_route("{ requests: { rate: 10/s, burst: 3 } }"));
  t.backend.serve(answer_all("x"));
  const auto began = std::chrono::steady_clock::now();
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(t.gateway.port());
    clients.back().send(get());
  }
  RawClient beyond(t.gateway.port());
  CHECK(beyond.get().status == 429);
  for (auto& client : clients) CHECK(client.read_answer().status == 200);
  CHECK(std::chrono::steady_clock::now() - began >= 295ms);
  CHECK(has_metric(t.gateway, R"(tidegate_limit_delayed_total{limit="clients",dry_run="0"} 3)"));
}

TEST_CASE("a client that leaves while its request is delayed frees everything") {
  OnePod t(at_route("{ requests: { rate: 1/m, burst: 5 } }"));
  t.backend.serve(answer_all("x"));
  CHECK(t.client.get().status == 200);
  RawClient delayed(t.gateway.port());
  delayed.send(get());
  wait_until("it to be delayed", [&] {
    return has_metric(t.gateway, R"(tidegate_limit_delayed_total{limit="clients",dry_run="0"} 1)");
  });
  delayed.reset();
  wait_until("499", [&] { return t.gateway.failures(gateway::FailureReason::client_gone) == 1; });
}

TEST_CASE("a dry run refuses and delays nobody, and counts whom it would have") {
  OnePod t(at_route("{ requests: 1/h, connections: 1, dryRun: true }"));
  t.backend.serve(answer_all("x"));
  for (int i = 0; i < 5; ++i) CHECK(t.client.get().status == 200);
  CHECK(has_metric(t.gateway,
                   R"(tidegate_limit_refused_total{limit="clients",dry_run="1",kind="requests"} 4)"));
}

TEST_CASE("requests in progress are bounded for each client") {
  OnePod t(at_route("{ connections: 1 }"));
  t.client.send(get("/first"));
  auto pod = t.backend.accept();
  (void)pod.read_request();
  RawClient second(t.gateway.port());
  const auto refused = second.get();
  CHECK(refused.status == 429);
  CHECK(refused.field("Retry-After") == "1");
  pod.send(ok("x"));
  CHECK(t.client.read_answer().status == 200);
  // The place is left before the next request of the same client is looked at.
  t.client.send(get("/next"));
  CHECK(pod.read_request().target == "/next");
  pod.send(ok("y"));
  CHECK(t.client.read_answer().body == "y");
}

TEST_CASE("open connections are bounded for each client: one more is closed at once") {
  const ErrorLogFile log;
  OnePod t(at_listener("{ connections: 2 }", log.yaml()));
  t.backend.serve(answer_all("x"));
  CHECK(t.client.get().status == 200);
  {
    RawClient second(t.gateway.port());
    CHECK(second.get().status == 200);
    auto third = RawClient::in_clear_text(t.gateway.port());
    (void)third.expect_end();
    CHECK(has_metric(t.gateway,
                     R"(tidegate_limit_refused_total{limit="clients",dry_run="0",kind="connections"} 1)"));
    log.wait_for("too many connections for the limit clients");
  }
  wait_until("the second to be gone", [&] { return gateway_connections(t.gateway) == 1; });
  RawClient fourth(t.gateway.port());
  CHECK(fourth.get().status == 200);
}

TEST_CASE("a listener's limit counts what no route serves") {
  OnePod t({.listener = "    limits: [clients]\n",
            .route = "    hosts: [known]\n",
            .rest = "limits:\n  clients: " + kTwo + "\n"});
  CHECK(t.client.get().status == 404);
  CHECK(t.client.get().status == 404);
  CHECK(t.client.get().status == 429);
}

TEST_CASE("all limits have to agree, and what one refuses counts for none") {
  OnePod t({.listener = "    limits: [many]\n",
            .route = "    limits: [few]\n",
            .rest = "limits:\n  many: { requests: { rate: 1/h, burst: 2, noDelay: true } }\n"
                    "  few: { requests: 1/h, key: all }\n"});
  t.backend.serve(answer_all("x"));
  CHECK(t.client.get().status == 200);
  for (int i = 0; i < 10; ++i) CHECK(t.client.get().status == 429);
  CHECK(has_metric(t.gateway, R"(tidegate_limit_refused_total{limit="few",dry_run="0",kind="requests"} 10)"));
  CHECK(has_metric(t.gateway, R"(tidegate_limit_refused_total{limit="many",dry_run="0",kind="requests"} 0)"));
}

TEST_CASE("behind a trusted proxy clients are told apart by X-Forwarded-For, and the proxy is none") {
  OnePod t({.listener = "    limits: [connections]\n",
            .route = "    limits: [clients]\n",
            .rest = "limits:\n  clients: { requests: 1/h }\n  connections: { connections: 1 }\n"
                    "trustedProxies: [127.0.0.1]\n"});
  t.backend.serve(answer_all("x"));
  RawClient second(t.gateway.port());
  CHECK(t.client.get("/", "X-Forwarded-For: 192.0.2.1\r\n").status == 200);
  CHECK(second.get("/", "X-Forwarded-For: 192.0.2.2\r\n").status == 200);
  CHECK(second.get("/", "X-Forwarded-For: 192.0.2.1\r\n").status == 429);
  CHECK(second.get("/", "X-Forwarded-For: 2001:db8::1\r\n").status == 200);
  CHECK(second.get("/", "X-Forwarded-For: 2001:db8::2\r\n").status == 429);
}
