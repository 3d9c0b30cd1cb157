// Idle connections to endpoints: reused, and left alone once there is a reason.
#include <vector>

#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

TEST_CASE("RFC 9112 9.3: requests of different clients share an endpoint's connection, one after another") {
  OnePod t;
  t.client.send(get("/1"));
  auto pod = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  RawClient other(t.gateway.port());
  other.send(get("/2"));
  CHECK(pod.read_request().target == "/2");
  pod.send(ok("2"));
  CHECK(other.read_answer().body == "2");
  CHECK(t.backend.connections() == 1);
  CHECK(t.gateway.upstream("pods", [](const auto& c) { return c.pool_hits.value(); }) == 1);
}

TEST_CASE("an idle connection that the endpoint closes is not used again") {
  OnePod t;
  t.client.send(get("/1"));
  {
    auto pod = t.backend.answer_one(ok("1"));
    CHECK(t.client.read_answer().body == "1");
  }
  t.client.send(get("/2"));
  auto next = t.backend.answer_one(ok("2"));
  CHECK(t.client.read_answer().body == "2");
  CHECK(t.gateway.retries("pods") == 0);
}

TEST_CASE(
    "RFC 9112 9.3.1: a GET that meets a connection just closed is sent once more, even without retries") {
  OnePod t({.upstream = "    retry: off\n"});
  t.client.send(get("/1"));
  auto pod = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  t.client.send(get("/2"));
  CHECK(pod.read_request().target == "/2");
  SECTION("by FIN") {
    pod.close();
  }
  SECTION("by reset") {
    pod.reset();
  }
  auto next = t.backend.accept();
  CHECK(next.read_request().target == "/2");
  next.send(ok("2"));
  CHECK(t.client.read_answer().body == "2");
  CHECK(t.gateway.retries("pods") == 0);  // nothing that a budget should count
}

TEST_CASE("a connection that dies again after the free retry is an error where retries are off") {
  OnePod t({.upstream = "    retry: off\n"});
  t.client.send(get("/1"));
  auto pod = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  t.client.send(get("/2"));
  (void)pod.read_request();
  pod.close();
  auto next = t.backend.accept();
  (void)next.read_request();
  next.close();
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 502);
  CHECK(answer.field("Proxy-Status").find("error=connection_terminated") != std::string::npos);
}

TEST_CASE("RFC 9110 9.2.2: a POST is never sent twice once bytes of it went out") {
  ScriptedBackend first;
  ScriptedBackend second;
  GatewayFixture gateway(in_front_of({&first, &second}));
  RawClient client(gateway.port());
  client.send(post("pay"));
  wait_until("a connection", [&] { return first.has_connection() || second.has_connection(); });
  auto& hit = first.has_connection() ? first : second;
  auto& other = &hit == &first ? second : first;
  auto pod = hit.accept();
  CHECK(pod.read_request().body == "pay");
  pod.reset();
  CHECK(client.read_answer().status == 502);
  CHECK(other.untouched());
  CHECK_FALSE(hit.has_connection());
}

TEST_CASE("a POST does not risk an idle connection") {
  OnePod t;
  t.client.send(get());
  auto idle = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  t.client.send(post("pay"));
  auto fresh = t.backend.accept();
  CHECK(fresh.read_request().body == "pay");
  fresh.send(ok("2"));
  CHECK(t.client.read_answer().body == "2");
  CHECK_FALSE(idle.has_input());
}

TEST_CASE("RFC 9112 9.6: after Connection: close or a 503 no idle connection to the endpoint is kept") {
  const std::string last =
      GENERATE(std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"),
               std::string("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1\r\n\r\nx"),
               std::string("HTTP/1.0 200 OK\r\n\r\nx"));
  CAPTURE(last);
  OnePod t;
  RawClient other(t.gateway.port());
  // Two connections, both busy at once.
  t.client.send(get("/1"));
  auto first = t.backend.accept();
  (void)first.read_request();
  other.send(get("/2"));
  auto second = t.backend.accept();
  (void)second.read_request();
  second.send(ok("2"));
  CHECK(other.read_answer().body == "2");
  // The second is idle when the first brings the sign.
  first.send(last);
  first.half_close();
  CHECK(t.client.read_answer().body == "x");
  other.send(get("/3"));
  auto third = t.backend.answer_one(ok("3"));
  CHECK(other.read_answer().body == "3");
}

TEST_CASE("an endpoint that drains loses its idle connections at once") {
  OnePod t;
  t.client.send(get("/1"));
  auto pod = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  t.gateway.order(t.backend.address(), upstream::AdminOrder::drain);
  CHECK(pod.expect_end() == StreamEnd::orderly);
}

TEST_CASE("an idle connection is closed after poolIdle") {
  OnePod t({.upstream = "    timeouts: { poolIdle: 50ms }\n"});
  t.client.send(get("/1"));
  auto pod = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  CHECK(pod.expect_end() == StreamEnd::orderly);
}

TEST_CASE("no connection is kept where the pool has no room") {
  OnePod t({.upstream = "    pool: { size: 0 }\n"});
  t.client.send(get("/1"));
  auto pod = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  CHECK(pod.expect_end() == StreamEnd::orderly);
}

TEST_CASE("a connection whose client left in the middle of an answer is not used again") {
  OnePod t;
  t.client.send(get("/1"));
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  (void)t.client.read_until("hello");
  t.client.reset();
  (void)pod.read_to_end();
  RawClient other(t.gateway.port());
  other.send(get("/2"));
  auto next = t.backend.answer_one(ok("2"));
  CHECK(other.read_answer().body == "2");
}

// The pool held 64 once: of 100 clients of a worker, a third had a connection made for every request.
TEST_CASE("a hundred requests under way at once leave their connections to the next hundred") {
  constexpr int count = 100;
  OnePod t;
  std::vector<RawClient> clients;
  std::vector<RawSocket> pods;
  for (int i = 0; i < count; ++i) {
    clients.emplace_back(t.gateway.port()).send(get());
    pods.push_back(t.backend.accept());
  }
  for (int round = 0; round < 2; ++round) {
    for (auto& pod : pods) {
      (void)pod.read_request();
      pod.send(ok("here"));
    }
    for (auto& client : clients) CHECK(client.read_answer().body == "here");
    t.gateway.settle();
    if (round == 0) {
      for (auto& client : clients) client.send(get());
    }
  }
  CHECK(t.backend.connections() == count);
  CHECK(t.gateway.upstream("pods", [](const auto& c) { return c.pool_hits.value(); }) == count);
}
