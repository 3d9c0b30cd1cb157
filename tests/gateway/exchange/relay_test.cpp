// The plain way: a request to an endpoint and its answer back.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

TEST_CASE("a request reaches the endpoint and its answer the client") {
  OnePod t;
  t.client.send("GET /a?b=c HTTP/1.1\r\nHost: example.com\r\n\r\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.method == "GET");
  CHECK(request.target == "/a?b=c");
  CHECK(request.field("Host") == "example.com");
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  pod.send(ok("hello", "X-Own: 1\r\n"));

  const auto answer = t.client.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.field("X-Own") == "1");
  CHECK(answer.body == "hello");
  wait_until("the request to be counted",
             [&] { return t.gateway.requests("pods", gateway::StatusClass::success) == 1; });
}

TEST_CASE("many clients of two workers are all served") {
  ScriptedBackend backend;
  backend.serve(answer_all("here"));
  GatewayFixture gateway(in_front_of(backend, {.rest = "workers: 2\n"}));
  for (int i = 0; i < 20; ++i) {
    RawClient client(gateway.port());
    CHECK(client.get("/").body == "here");
    CHECK(client.get("/again").body == "here");
  }
  CHECK(backend.failures().empty());
}

TEST_CASE("a head and a body that arrive byte by byte are one request") {
  OnePod t;
  t.client.send_split(post("hello"), 1);
  auto pod = t.backend.accept();
  CHECK(pod.read_request().body == "hello");
  pod.send_split(ok("answer"), 1);
  CHECK(t.client.read_answer().body == "answer");
}

TEST_CASE("heads and bodies are counted, what a client uploads among them") {
  OnePod t;
  const auto request = post(std::string(1000, 'x'));
  t.client.send(request);
  auto pod = t.backend.answer_one(ok("hello"));
  CHECK(t.client.read_answer().body == "hello");
  wait_until("the bytes from the client", [&] {
    return t.gateway.workers([](const auto& c) { return c.bytes_from_clients.value(); }) == request.size();
  });
  CHECK(t.gateway.workers([](const auto& c) { return c.bytes_to_clients.value(); }) == 5);
}

TEST_CASE("RFC 9112 9.3: pipelined requests are answered in their order, one at a time") {
  OnePod t;
  t.client.send(get("/1") + post("two") + get("/3"));
  auto pod = t.backend.accept();
  CHECK(pod.read_request().target == "/1");
  // The second waits for the first one's answer.
  CHECK_FALSE(pod.has_input());
  CHECK_FALSE(t.backend.has_connection());
  pod.send(ok("1"));
  auto other = t.backend.accept();  // a POST does not use a connection that may have died unseen
  const auto second = other.read_request();
  CHECK(second.method == "POST");
  CHECK(second.body == "two");
  other.send(ok("2"));
  CHECK(other.read_request().target == "/3");
  other.send(ok("3"));
  CHECK(t.client.read_answer().body == "1");
  CHECK(t.client.read_answer().body == "2");
  CHECK(t.client.read_answer().body == "3");
}

TEST_CASE("RFC 9112 9.3: a fault in a pipelined request ends the connection after the answers before it") {
  OnePod t;
  t.client.send(get("/1") + "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + get("/3"));
  auto pod = t.backend.answer_one(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  CHECK(t.client.read_answer().status == 400);
  CHECK(t.client.expect_end() == StreamEnd::orderly);
  CHECK_FALSE(pod.has_input());
}

TEST_CASE("RFC 9112 9.3: HTTP/1.0 connections close unless keep-alive is asked for") {
  OnePod t;
  SECTION("without the option") {
    t.client.send("GET / HTTP/1.0\r\n\r\n");
    auto pod = t.backend.answer_one(ok("x"));
    const auto answer = t.client.read_answer();
    CHECK(answer.field("Connection") == "close");
    CHECK(answer.body == "x");
    CHECK(t.client.expect_end() == StreamEnd::orderly);
  }
  SECTION("with the option") {
    t.client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    auto pod = t.backend.answer_one(ok("x"));
    const auto answer = t.client.read_answer();
    CHECK(answer.field("Connection") == "keep-alive");
    CHECK(answer.body == "x");
    t.client.send("GET /2 HTTP/1.0\r\n\r\n");
    CHECK(pod.read_request().target == "/2");
    pod.send(ok("y"));
    CHECK(t.client.read_answer().body == "y");
    CHECK(t.client.expect_end() == StreamEnd::orderly);
  }
}

TEST_CASE("RFC 9112 9.6: Connection: close from the client ends the connection after the answer") {
  OnePod t;
  t.client.send(get("/", "Connection: close\r\n") + get("/never"));
  auto pod = t.backend.answer_one(ok("x"));
  const auto answer = t.client.read_answer();
  CHECK(answer.field("Connection") == "close");
  CHECK(t.client.expect_end() == StreamEnd::orderly);
  CHECK_FALSE(pod.has_input());
}

TEST_CASE("an endpoint that listens again is found by who waits") {
  ScriptedBackend backend;
  backend.serve(answer_all("back"));
  backend.refuse();
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send(get());
  wait_until("the request to be held", [&] { return gateway.waiting("pods") == 1; });
  backend.listen();
  CHECK(client.read_answer().body == "back");
}
