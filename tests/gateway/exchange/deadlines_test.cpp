// Every wait has an end, and the end has a reason.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

Setup listener_timeouts(const std::string& timeouts) {
  return {.listener = "    timeouts: { " + timeouts + " }\n"};
}

Setup upstream_timeouts(const std::string& timeouts) {
  return {.upstream = "    retry: off\n    hold: off\n    timeouts: { " + timeouts + " }\n"};
}

}  // namespace

TEST_CASE("RFC 9110 15.5.9: a head that drips is 408 at its total deadline, however steadily it drips") {
  OnePod t(listener_timeouts("requestHeader: 1s"));
  t.client.send("GET / HTTP/1.1\r\nHost: a\r\n");
  std::size_t drips = 0;
  wait_until("an answer", [&] {
    if (t.client.has_input(std::chrono::milliseconds(10))) return true;
    ++drips;
    return !t.client.try_send("X: y\r\n");
  });
  CHECK(drips > 1);
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 408);
  CHECK(answer.field("Connection") == "close");
  wait_until("the deadline to be counted",
             [&] { return t.gateway.failures(gateway::FailureReason::request_timeout) == 1; });
}

TEST_CASE("the total deadline holds for the second request of a connection and for empty lines too") {
  OnePod t(listener_timeouts("requestHeader: 200ms"));
  t.client.send(get());
  auto pod = t.backend.answer_one(ok("x"));
  CHECK(t.client.read_answer().body == "x");
  t.client.send("\r\n");
  CHECK(t.client.read_answer().status == 408);
}

TEST_CASE("RFC 9112 9.5: an idle connection is closed in silence, before its first request and after one") {
  OnePod t(listener_timeouts("clientKeepalive: 500ms"));
  CHECK(t.client.expect_end() == StreamEnd::orderly);
  RawClient other(t.gateway.port());
  other.send(get());
  auto pod = t.backend.answer_one(ok("x"));
  CHECK(other.read_answer().body == "x");
  CHECK(other.expect_end() == StreamEnd::orderly);
}

TEST_CASE("RFC 9110 15.5.9: a body that stalls is 408, and the endpoint never sees its end") {
  OnePod t(listener_timeouts("requestBody: 150ms"));
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  auto pod = t.backend.accept();
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 408);
  CHECK(answer.field("Connection") == "close");
  CHECK(pod.read_to_end().ends_with("hello"));
}

TEST_CASE("RFC 9110 15.6.5: an endpoint that does not answer is 504, and its connection goes") {
  OnePod t(upstream_timeouts("responseHeader: 500ms"));
  t.client.send(get());
  auto pod = t.backend.accept();
  (void)pod.read_request();
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 504);
  CHECK(answer.field("Proxy-Status").find("error=http_response_timeout") != std::string::npos);
  (void)pod.expect_end();
  t.client.send(get("/next"));
  auto next = t.backend.answer_one(ok("x"));
  CHECK(t.client.read_answer().body == "x");
}

TEST_CASE("interim answers and a dripping head do not renew the answer's deadline") {
  OnePod t(upstream_timeouts("responseHeader: 300ms"));
  t.client.send("GET / HTTP/1.0\r\n\r\n");
  auto pod = t.backend.accept();
  (void)pod.read_request();
  pod.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n");
  wait_until("an answer",
             [&] { return t.client.has_input(std::chrono::milliseconds(20)) || !pod.try_send("X: y\r\n"); });
  CHECK(t.client.read_answer().status == 504);
}

TEST_CASE("RFC 9112 8: an answer that stalls in its body is cut, not completed") {
  OnePod t(upstream_timeouts("responseIdle: 150ms"));
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  (void)t.client.read_until("hello\r\n");
  auto end = StreamEnd::orderly;
  CHECK(t.client.read_to_end(&end).empty());
  CHECK(end == StreamEnd::reset);
  wait_until("the stall to be counted",
             [&] { return t.gateway.failures(gateway::FailureReason::response_idle_timeout) == 1; });
}

TEST_CASE("a connect that gets no answer is 504") {
  ScriptedBackend backend;
  backend.ignore_connects();
  GatewayFixture gateway(in_front_of(backend, upstream_timeouts("connect: 150ms")));
  RawClient client(gateway.port());
  const auto answer = client.get();
  CHECK(answer.status == 504);
  CHECK(answer.field("Proxy-Status").find("error=connection_timeout") != std::string::npos);
}

TEST_CASE("a client that leaves while a connect is under way frees everything at once") {
  ScriptedBackend backend;
  backend.ignore_connects();
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send(get());
  wait_until("the request to be under way", [&] {
    return gateway.workers(
               [](const auto& c) { return static_cast<std::uint64_t>(c.connections_active.value()); }) == 1;
  });
  client.reset();
  wait_until("499", [&] { return gateway.requests("pods", gateway::StatusClass::client_gone) == 1; });
}

TEST_CASE("a client that stops reading is dropped after writeStall") {
  OnePod t(listener_timeouts("writeStall: 200ms"));
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n");
  CHECK_FALSE(pod.try_send(std::string(64 * 1024 * 1024, 'x')));
  wait_until("the connection to end", [&] { return gateway_connections(t.gateway) == 0; });
}

TEST_CASE("an endpoint that stops reading is 504 after writeStall") {
  OnePod t(upstream_timeouts("writeStall: 200ms"));
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 268435456\r\n\r\n");
  auto pod = t.backend.accept();
  (void)t.client.send_until_stuck(std::string(64 * 1024 * 1024, 'x'), std::chrono::milliseconds(200));
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 504);
  CHECK(answer.field("Proxy-Status").find("error=connection_write_timeout") != std::string::npos);
}

TEST_CASE("the next request recovers after a refusal, a timeout and a broken answer") {
  OnePod t(upstream_timeouts("responseHeader: 500ms"));
  t.client.send(get());
  {
    auto pod = t.backend.answer_one("nonsense\r\n\r\n");
    CHECK(t.client.read_answer().status == 502);
  }
  t.client.send(get());
  {
    auto pod = t.backend.accept();
    CHECK(t.client.read_answer().status == 504);
  }
  t.client.send(get());
  auto pod = t.backend.answer_one(ok("well"));
  CHECK(t.client.read_answer().body == "well");
}
