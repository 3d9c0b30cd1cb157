// A drain of the whole gateway by command, and its end.
#include "gateway/process/gateway.hpp"
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

bool connects(std::uint16_t port) {
  try {
    const auto client = RawClient::in_clear_text(port);
    return true;
  } catch (const Unexpected&) {
    return false;
  }
}

const std::string kPatient = "shutdown: { delay: 60s, deadline: 60s }\n";

}  // namespace

TEST_CASE("drain: /ready turns 503 at once while accepting goes on; undrain takes it back") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(in_front_of(backend, {.rest = kPatient}));
  CHECK(gateway.drain());
  CHECK_FALSE(gateway.drain());
  int status = 0;
  CHECK(gateway.admin("/ready", &status) == "not ready: draining\n");
  CHECK(status == 503);
  RawClient client(gateway.port());
  CHECK(client.get().body == "x");
  CHECK_FALSE(gateway.reload(in_front_of(backend)).succeeded);
  gateway.undrain();
  (void)gateway.admin("/ready", &status);
  CHECK(status == 200);
  CHECK(client.get().body == "x");
}

TEST_CASE("after shutdown.delay: no more connections, WebSockets leave, and undrain listens again") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(pod.backend));
  const auto port = gateway.port();
  auto client = open_client(gateway);
  RawClient idle(port);
  CHECK(gateway.drain());
  expect_close(client, 1001);
  client.close();
  wait_until("connects to be refused", [&] { return !connects(port); });
  CHECK(idle.expect_end() == StreamEnd::orderly);
  wait_until("nothing to be left", [&] {
    const auto left = gateway.in_progress();
    return left.requests == 0 && left.tunnels == 0;
  });
  CHECK_FALSE(gateway.ended_within(std::chrono::milliseconds(0)));

  gateway.undrain();
  CHECK(gateway.port() == port);
  auto again = open_client(gateway);
  expect_echo(again, "back");
}

TEST_CASE("a shutdown in the middle of a drain ends as soon as nothing is left") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.rest = "shutdown: { delay: 0s, deadline: 60s }\n"}));
  RawClient client(gateway.port());
  client.send(get());
  auto pod = backend.accept();
  (void)pod.read_request();
  CHECK(gateway.drain());
  wait_until("connects to be refused", [&] { return !connects(gateway.port()); });
  gateway.shut_down();
  CHECK_FALSE(gateway.ended_within(std::chrono::milliseconds(0)));
  pod.send(ok("last"));
  CHECK(client.read_answer().body == "last");
  client.close();
  CHECK(gateway.ended_within(kPatience));
}
