// Failures of one endpoint that another one, or another try, hides; and those that must show.
#include <algorithm>
#include <array>

#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const std::string kUnavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";

struct TwoPods {
  explicit TwoPods(const Setup& setup = {})
      : gateway(in_front_of({&first, &second}, setup)), client(gateway.port()) {}

  // The one that has a connection waiting.
  ScriptedBackend& hit() {
    wait_until("a connection", [&] { return first.has_connection() || second.has_connection(); });
    return first.has_connection() ? first : second;
  }
  ScriptedBackend& other_than(ScriptedBackend& backend) { return &backend == &first ? second : first; }

  ScriptedBackend first;
  ScriptedBackend second;
  GatewayFixture gateway;
  RawClient client;
};

}  // namespace

TEST_CASE("a request that its pod does not survive is tried five times and no more") {
  OnePod t;
  t.backend.serve([](RawSocket& pod) { (void)pod.read_request(); });  // and goes
  CHECK(t.client.get().status == 502);
  CHECK(t.backend.connections() == 5);
}

TEST_CASE("a refused connect is retried on another endpoint, for any method") {
  TwoPods t;
  t.first.refuse();
  for (int i = 0; i < 4; ++i) {
    t.client.send(post("pay"));
    auto pod = t.second.answer_one(ok("done"));
    CHECK(t.client.read_answer().body == "done");
  }
  t.gateway.wait_for_state(t.second.address(), upstream::EndpointState::ready);
  CHECK(t.gateway.retries("pods") >= 1);
}

TEST_CASE("RFC 9110 9.2.2: a GET whose connection is reset before an answer is retried elsewhere") {
  TwoPods t;
  t.client.send(get("/x"));
  auto& hit = t.hit();
  auto pod = hit.accept();
  (void)pod.read_request();
  SECTION("reset") {
    pod.reset();
  }
  SECTION("closed") {
    pod.close();
  }
  auto next = t.other_than(hit).accept();
  CHECK(next.read_request().target == "/x");
  next.send(ok("2"));
  CHECK(t.client.read_answer().body == "2");
  CHECK(t.gateway.retries("pods") == 1);
}

TEST_CASE("a connection lost within the answer's head is not retried: bytes of an answer have come") {
  TwoPods t;
  t.client.send(get());
  auto& hit = t.hit();
  auto pod = hit.accept();
  (void)pod.read_request();
  pod.send("HTTP/1.1 200 OK\r\nContent-Le");
  pod.close();
  CHECK(t.client.read_answer().status == 502);
  CHECK(t.other_than(hit).untouched());
}

TEST_CASE("statuses are retried only where the route's upstream names them") {
  SECTION("not named: the answer is relayed") {
    TwoPods t;
    t.client.send(get());
    auto& hit = t.hit();
    auto pod = hit.answer_one(kUnavailable);
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 503);
    CHECK(answer.body == "busy");
    CHECK(t.other_than(hit).untouched());
  }
  SECTION("named: another endpoint is asked") {
    TwoPods t({.upstream = "    retry: { on: [503] }\n"});
    t.client.send(get());
    auto& hit = t.hit();
    auto pod = hit.answer_one(kUnavailable);
    auto next = t.other_than(hit).answer_one(ok("2"));
    CHECK(t.client.read_answer().body == "2");
  }
  SECTION("named, and all answer alike: the last answer is relayed") {
    TwoPods t({.upstream = "    retry: { on: [503] }\n"});
    t.client.send(get());
    auto& hit = t.hit();
    auto pod = hit.answer_one(kUnavailable);
    auto next = t.other_than(hit).answer_one(kUnavailable);
    const auto answer = t.client.read_answer();
    CHECK(answer.status == 503);
    CHECK(answer.body == "busy");
  }
}

TEST_CASE("retry: off means one try, hold: off means no wait") {
  ScriptedBackend backend;
  backend.refuse();
  GatewayFixture gateway(in_front_of(backend, {.upstream = "    retry: off\n    hold: off\n"}));
  RawClient client(gateway.port());
  const auto refused = client.get();
  CHECK(refused.status == 502);
  CHECK(refused.field("Proxy-Status").find("error=connection_refused") != std::string::npos);
  CHECK(refused.body.find(std::to_string(backend.port())) == std::string::npos);  // tells no inner address
  gateway.wait_for_state(backend.address(), upstream::EndpointState::unready);
  const auto none = client.get();
  CHECK(none.status == 503);
  CHECK_FALSE(none.field("Retry-After").empty());
  CHECK(none.field("Proxy-Status").find("error=destination_unavailable") != std::string::npos);
  CHECK(gateway.retries("pods") == 0);
}

TEST_CASE("retry.tries bounds the tries") {
  std::array<ScriptedBackend, 3> pods;
  for (auto& pod : pods) pod.refuse();
  GatewayFixture gateway(
      in_front_of({&pods[0], &pods[1], &pods[2]}, {.upstream = "    retry: { tries: 2 }\n    hold: off\n"}));
  RawClient client(gateway.port());
  CHECK(client.get().status == 502);
  CHECK(gateway.retries("pods") == 1);
}

TEST_CASE("a client that leaves is counted 499 and its request is not retried") {
  TwoPods t;
  t.client.send(get());
  auto& hit = t.hit();
  auto pod = hit.accept();
  (void)pod.read_request();
  t.client.reset();
  (void)pod.expect_end();
  wait_until("499", [&] { return t.gateway.requests("pods", gateway::StatusClass::client_gone) == 1; });
  CHECK(t.gateway.failures(gateway::FailureReason::client_gone) == 1);
  CHECK(t.gateway.retries("pods") == 0);
  CHECK(t.other_than(hit).untouched());
}

TEST_CASE("a client that ends its side while it waits has left") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.accept();
  (void)pod.read_request();
  t.client.half_close();
  (void)pod.expect_end();
  wait_until("499", [&] { return t.gateway.requests("pods", gateway::StatusClass::client_gone) == 1; });
}

TEST_CASE("RFC 9110 9.2.2: a PUT whose body is gone is not retried, although PUT is idempotent") {
  TwoPods t;
  t.client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  auto& hit = t.hit();
  auto pod = hit.accept();
  CHECK(pod.read_request().body == "hello");
  pod.reset();
  CHECK(t.client.read_answer().status == 502);
  CHECK(t.other_than(hit).untouched());
}

TEST_CASE("retries beyond the budget are not made") {
  const std::string none = "    retry: { budgetPercent: 0, budgetMinimum: 0 }\n";
  SECTION("where nobody may wait the failure stands") {
    TwoPods t({.upstream = none + "    hold: off\n"});
    t.first.refuse();
    t.second.refuse();
    const auto answer = t.client.get();
    CHECK(answer.status == 502);
    CHECK(answer.field("Proxy-Status").find("error=connection_refused") != std::string::npos);
  }
  SECTION("else the request waits for its turn") {
    TwoPods t({.upstream = none});
    t.client.send(get("/x"));
    auto& hit = t.hit();
    auto pod = hit.accept();
    (void)pod.read_request();
    pod.reset();
    t.first.serve(answer_all("well"));
    t.second.serve(answer_all("well"));
    CHECK(t.client.read_answer().body == "well");
    CHECK(t.gateway.holds("pods", gateway::HoldResult::granted) == 1);
  }
}

TEST_CASE("one virtual address is tried anew and never taken out") {
  ScriptedBackend service;
  GatewayFixture gateway(in_front_of(service, {.upstream = "    virtual: true\n"}));
  RawClient client(gateway.port());
  client.send(get());
  for (int i = 0; i < 3; ++i) {
    auto dying = service.accept();
    dying.reset();
  }
  auto well = service.answer_one(ok("at last"));
  CHECK(client.read_answer().body == "at last");
  CHECK(gateway.endpoints().front().state == upstream::EndpointState::ready);
}

TEST_CASE("the endpoint's own 502 and 504 pass, with its body") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nown");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.body == "own");
  CHECK_FALSE(answer.has("Proxy-Status"));
}

TEST_CASE("an endpoint that turns draining while a connect to it is under way gets not one byte") {
  // The connect is held by a full queue; the drain is announced; the queue is released, and nobody asks any
  // more.
  ScriptedBackend slow;
  ScriptedBackend other;
  other.serve(answer_all("other"));
  slow.ignore_connects();
  GatewayFixture gateway(in_front_of({&slow, &other}));
  RawClient client(gateway.port());
  RawClient second(gateway.port());
  client.send(get());  // round robin: one of the two is held at the slow one
  second.send(get());
  wait_until("one to be answered", [&] { return client.has_input() || second.has_input(); });
  gateway.order(slow.address(), upstream::AdminOrder::drain);
  slow.release_connects();
  CHECK(client.read_answer().body == "other");
  CHECK(second.read_answer().body == "other");
  CHECK(gateway.upstream("pods", [](const auto& c) { return c.repicks.value(); }) == 1);
  CHECK(slow.untouched());
}
