// Listeners that come, stay and go while the gateway runs.
#include <thread>

#include <unistd.h>

#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const std::string kRoutes =
    "routes:\n  - { path: /slow, upstream: pods }\n  - { path: /, respond: { body: x } }\n";

bool connects(std::uint16_t port) {
  try {
    const auto client = RawClient::in_clear_text(port);
    return true;
  } catch (const Unexpected&) {
    return false;
  }
}

std::uint16_t free_port() {
  const ScriptedBackend reserved;
  return reserved.port();
}

struct Scene {
  std::string yaml(const std::string& listeners) const {
    return "listeners:\n" + listeners + kRoutes + "upstreams: { pods: { endpoints: [ '" + backend.address() +
           "' ] } }\n";
  }
  static std::string at(std::uint16_t port, const std::string& rest = "") {
    return "  - { address: '127.0.0.1:" + std::to_string(port) + "'" + rest + " }\n";
  }

  ScriptedBackend backend;
  std::uint16_t one = free_port();
  std::uint16_t two = free_port();
};

}  // namespace

TEST_CASE("a listener is added and removed; its connections end with the request in progress") {
  Scene scene;
  GatewayFixture gateway(scene.yaml(Scene::at(scene.one)));
  CHECK_FALSE(connects(scene.two));
  CHECK(gateway.reload(scene.yaml(Scene::at(scene.one) + Scene::at(scene.two))).succeeded);
  RawClient busy(scene.two);
  RawClient idle(scene.two);
  RawClient other(scene.one);
  busy.send(get("/slow"));
  auto pod = scene.backend.accept();
  (void)pod.read_request();
  CHECK(idle.get().body == "x");
  CHECK(other.get().body == "x");

  CHECK(gateway.reload(scene.yaml(Scene::at(scene.one))).succeeded);
  CHECK(idle.expect_end() == StreamEnd::orderly);
  wait_until("connects to be refused", [&] { return !connects(scene.two); });
  pod.send(ok("begun before"));
  const auto answer = busy.read_answer();
  CHECK(answer.body == "begun before");
  CHECK(answer.field("Connection") == "close");
  CHECK(busy.expect_end() == StreamEnd::orderly);
  CHECK(other.get().body == "x");  // untouched
}

TEST_CASE("who waits in the queue of a listener that goes is still served, by its routes") {
  Scene scene;
  GatewayFixture gateway(scene.yaml(Scene::at(scene.one) + Scene::at(scene.two)));
  // The worker does nothing until the view without the listener has been posted.
  Gate gate;
  std::thread busy([&] { gateway.run_on_workers([&gate] { gate.wait(); }); });
  RawClient late(scene.two);
  std::thread reload([&] {
    (void)gateway.reload("listeners:\n" + Scene::at(scene.one) +
                         "routes: [ { path: /other, respond: { body: y } } ]\n");
  });
  wait_until("the reload", [&] {
    return gateway.admin("/metrics").find("reloads_total{result=\"success\"} 1\n") != std::string::npos;
  });
  late.send(get("/"));
  gate.open();
  busy.join();
  reload.join();
  CHECK(late.read_answer().body == "x");
  CHECK(late.expect_end() == StreamEnd::orderly);
}

TEST_CASE("another place in the file or other settings leave a listener's socket and connections alone") {
  Scene scene;
  GatewayFixture gateway(scene.yaml(Scene::at(scene.one) + Scene::at(scene.two)));
  RawClient client(scene.two);
  CHECK(client.get().body == "x");
  CHECK(gateway.reload(scene.yaml(Scene::at(scene.two, ", requestLimits: { target: 128 }"))).succeeded);
  CHECK(client.get().body == "x");
  CHECK(client.get("/" + std::string(200, 'a')).status == 414);  // the new settings hold for it
  CHECK(gateway.reload(scene.yaml(Scene::at(scene.one) + Scene::at(scene.two))).succeeded);
  RawClient again(scene.two);
  CHECK(again.get("/" + std::string(200, 'a')).status == 200);
}

TEST_CASE("an address that is taken: the reload fails as a whole") {
  Scene scene;
  const ScriptedBackend taken;
  GatewayFixture gateway(scene.yaml(Scene::at(scene.one)));
  const auto outcome = gateway.reload(scene.yaml(Scene::at(scene.two) + Scene::at(taken.port())));
  CHECK_FALSE(outcome.succeeded);
  CHECK(outcome.text.find("listeners[1]") != std::string::npos);
  CHECK(outcome.text.find("cannot listen on 127.0.0.1:" + std::to_string(taken.port())) != std::string::npos);
  CHECK_FALSE(connects(scene.two));
  RawClient client(scene.one);
  CHECK(client.get().body == "x");
}

TEST_CASE("a wildcard takes the place of one address of the same port, and the other way round") {
  Scene scene;
  GatewayFixture gateway(scene.yaml(Scene::at(scene.one)));
  const auto wildcard = scene.yaml("  - '0.0.0.0:" + std::to_string(scene.one) + "'\n");
  for (int i = 0; i < 2; ++i) {
    const auto wide = gateway.reload(wildcard);
    CHECK(wide.text.find("1 added") != std::string::npos);
    CHECK(wide.succeeded);
    RawClient client(scene.one);
    CHECK(client.get().body == "x");
    CHECK(gateway.reload(scene.yaml(Scene::at(scene.one))).succeeded);
    RawClient other(scene.one);
    CHECK(other.get().body == "x");
  }
}

TEST_CASE("a Unix listener keeps its file over reloads and takes it along when it goes") {
  Scene scene;
  const auto path = "/tmp/tidegate-reload-" + std::to_string(::getpid()) + ".sock";
  const auto with_unix = scene.yaml(Scene::at(scene.one) + "  - 'unix:" + path + "'\n");
  GatewayFixture gateway(with_unix);
  CHECK(gateway.reload(with_unix + "shutdown: { delay: 0s, deadline: 4s }\n").succeeded);
  {
    RawClient client(path);
    CHECK(client.get().body == "x");
  }
  CHECK(gateway.reload(scene.yaml(Scene::at(scene.one))).succeeded);
  CHECK(::access(path.c_str(), F_OK) != 0);
  CHECK(gateway.reload(with_unix).succeeded);
  RawClient client(path);
  CHECK(client.get().body == "x");
}

TEST_CASE("clients that came in without what is asked now end with the request in progress") {
  Scene scene;
  GatewayFixture gateway(scene.yaml(Scene::at(scene.one)));
  RawClient client(scene.one);
  CHECK(client.get().body == "x");
  CHECK(gateway.reload(scene.yaml(Scene::at(scene.one, ", access: [ { deny: 10.0.0.0/8 } ]"))).succeeded);
  CHECK(client.expect_end() == StreamEnd::orderly);
  RawClient next(scene.one);
  CHECK(next.get().body == "x");
}
