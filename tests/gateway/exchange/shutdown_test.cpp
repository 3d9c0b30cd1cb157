// The end: what is in progress is answered, what is idle is closed, what hangs is cut.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const std::string kPatient = "shutdown: { delay: 0s, deadline: 60s }\n";

bool refuses(std::uint16_t port) {
  try {
    const RawClient client(port);
    return false;
  } catch (const Unexpected&) {
    return true;
  }
}

}  // namespace

TEST_CASE("RFC 9112 9.6: an answer in progress at shutdown is completed, with Connection: close") {
  OnePod t({.rest = kPatient});
  t.client.send(get());
  auto pod = t.backend.accept();
  (void)pod.read_request();
  RawClient idle(t.gateway.port());
  idle.send(get());
  auto other = t.backend.answer_one(ok("x"));
  CHECK(idle.read_answer().body == "x");

  t.gateway.shut_down();
  CHECK(idle.expect_end() == StreamEnd::orderly);
  wait_until("connects to be refused", [&] { return refuses(t.gateway.port()); });
  CHECK_FALSE(t.gateway.ended_within(std::chrono::milliseconds(0)));
  pod.send(ok("last"));
  const auto answer = t.client.read_answer();
  CHECK(answer.body == "last");
  CHECK(answer.field("Connection") == "close");
  CHECK(t.client.expect_end() == StreamEnd::orderly);
  t.client.close();  // the gateway listens to it for a while yet (RFC 9112 9.6)
  CHECK(t.gateway.ended_within(kPatience));
}

TEST_CASE("an answer whose head is out already at shutdown is completed too") {
  OnePod t({.rest = kPatient});
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  (void)t.client.read_until("hello");
  t.gateway.shut_down();
  wait_until("connects to be refused", [&] { return refuses(t.gateway.port()); });
  pod.send("world");
  t.client.expect("world");
  CHECK(t.client.expect_end() == StreamEnd::orderly);
  t.client.close();  // the gateway listens to it for a while yet (RFC 9112 9.6)
  CHECK(t.gateway.ended_within(kPatience));
}

TEST_CASE("during shutdown.delay it goes on accepting, while /ready says 503") {
  OnePod t({.rest = "shutdown: { delay: 60s, deadline: 60s }\n"});
  t.gateway.shut_down();
  int status = 0;
  wait_until("/ready to be 503", [&] {
    (void)t.gateway.admin("/ready", &status);
    return status == 503;
  });
  RawClient late(t.gateway.port());
  late.send(get());
  auto pod = t.backend.answer_one(ok("x"));
  CHECK(late.read_answer().body == "x");
}

TEST_CASE("RFC 9112 8: at the deadline what hangs is cut, and does not look whole") {
  OnePod t({.rest = "shutdown: { delay: 0s, deadline: 200ms }\n"});
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\n\r\nhello");
  (void)t.client.read_until("hello\r\n");
  t.gateway.shut_down();
  auto end = StreamEnd::orderly;
  CHECK(t.client.read_to_end(&end).empty());
  CHECK(end == StreamEnd::reset);
  CHECK(t.gateway.ended_within(kPatience));
}

TEST_CASE("the second call ends it at once") {
  OnePod t({.rest = kPatient});
  t.client.send(get());
  auto pod = t.backend.accept();
  t.gateway.shut_down();
  t.gateway.shut_down();
  CHECK(t.gateway.ended_within(kPatience));
  (void)t.client.read_to_end();
}

TEST_CASE("a held request is told 503 at the latest when the gateway ends") {
  ScriptedBackend backend;
  backend.refuse();
  GatewayFixture gateway(in_front_of(
      backend,
      {.upstream = "    hold: { maxWait: 1500ms }\n    retry: { total: 1500ms }\n", .rest = kPatient}));
  RawClient client(gateway.port());
  client.send(get());
  wait_until("it to wait", [&] { return gateway.waiting("pods") == 1; });
  gateway.shut_down();
  const auto answer = client.read_answer();
  CHECK(answer.status == 503);
  CHECK(answer.field("Connection") == "close");
  client.close();
  CHECK(gateway.ended_within(kPatience));
}
