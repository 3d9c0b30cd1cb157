// Routes and files of configurations that are replaced while requests and WebSockets are open.
#include <filesystem>

#include <unistd.h>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::string respond(const std::string& routes) {
  return "listeners: [ '127.0.0.1:0' ]\nroutes:\n" + routes;
}
std::string route(const std::string& path, const std::string& body) {
  return "  - { path: " + path + ", respond: { body: '" + body + "' } }\n";
}

std::string body_of(RawClient& client, const std::string& path) {
  client.send(get(path));
  return client.read_answer().body;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace

TEST_CASE("routes are added, changed and removed under a connection that stays open") {
  GatewayFixture gateway(respond(route("/", "one")));
  RawClient client(gateway.port());
  CHECK(body_of(client, "/") == "one");

  const auto added = gateway.reload(respond(route("/", "one") + route("/new", "two")));
  CHECK(added.succeeded);
  CHECK(added.text == "routes: 1 added (/new)");
  CHECK(body_of(client, "/new") == "two");

  CHECK(gateway.reload(respond(route("/", "changed") + route("/new", "two"))).text ==
        "routes: 1 changed (/)");
  CHECK(body_of(client, "/") == "changed");

  CHECK(gateway.reload(respond(route("/new", "two"))).text == "routes: 1 removed (/)");
  client.send(get("/"));
  CHECK(client.read_answer().status == 404);
  CHECK(body_of(client, "/new") == "two");
}

TEST_CASE("a faulty configuration changes nothing, says where the fault is and is counted") {
  GatewayFixture gateway(respond(route("/", "one")));
  const auto port = gateway.port();
  const auto outcome = gateway.reload("listeners: [ '127.0.0.1:0' ]\nroutes:\n  - { path: /, respnd: {} }\n");
  CHECK_FALSE(outcome.succeeded);
  CHECK(outcome.text.find("test.yaml:3:") == 0);
  CHECK(outcome.text.find("respnd") != std::string::npos);
  CHECK(gateway.port() == port);
  RawClient client(port);
  CHECK(body_of(client, "/") == "one");

  auto metrics = gateway.admin("/metrics");
  CHECK(metrics.find("tidegate_config_reloads_total{result=\"failure\"} 1\n") != std::string::npos);
  CHECK(metrics.find("tidegate_config_reloads_total{result=\"success\"} 0\n") != std::string::npos);
  CHECK(metrics.find("tidegate_config_last_reload_successful 0\n") != std::string::npos);
  CHECK(gateway.reload(respond(route("/", "two"))).succeeded);
  metrics = gateway.admin("/metrics");
  CHECK(metrics.find("tidegate_config_reloads_total{result=\"success\"} 1\n") != std::string::npos);
  CHECK(metrics.find("tidegate_config_last_reload_successful 1\n") != std::string::npos);
  CHECK(metrics.find("tidegate_config_last_reload_success_timestamp_seconds 1") != std::string::npos);
}

TEST_CASE("a request in progress ends under the configuration it began with, though its route is gone") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send(get());
  auto pod = backend.accept();
  (void)pod.read_request();
  CHECK(gateway.reload(respond(route("/other", "x"))).succeeded);
  pod.send(ok("begun before"));
  const auto answer = client.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == "begun before");
  client.send(get());
  CHECK(client.read_answer().status == 404);
}

TEST_CASE("a request that has not found its endpoint yet is not failed because its upstream was renamed") {
  ScriptedBackend backend;
  backend.ignore_connects();
  GatewayFixture gateway(in_front_of(backend));
  RawClient client(gateway.port());
  client.send(get());
  wait_until("the try", [&] { return gateway.endpoints().front().active > 0; });
  std::string renamed = in_front_of(backend);
  for (auto at = renamed.find("pods"); at != std::string::npos; at = renamed.find("pods", at))
    renamed.replace(at, 4, "others");
  CHECK(gateway.reload(renamed).succeeded);
  backend.release_connects();
  // The connections that filled the queue come first.
  backend.serve(answer_all("found"));
  const auto answer = client.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == "found");
}

TEST_CASE("WebSockets are not touched by twenty reloads, and no descriptor is left behind") {
  ScriptedBackend backend;
  const auto yaml = [&](int step) {
    const auto n = std::to_string(step % 3);
    return "listeners:\n  - address: 127.0.0.1:0\n    timeouts: { clientKeepalive: " +
           std::to_string(30 + step) + "s }\nroutes:\n  - { path: /, upstream: pods }\n  - { path: /" + n +
           ", respond: { body: x } }\nupstreams:\n  pods:\n    endpoints: [ '" + backend.address() + "' ]\n" +
           (step % 2 == 0 ? "  extra: { endpoints: [ '127.0.0.1:9' ] }\n" : "");
  };
  GatewayFixture gateway(yaml(0));
  auto both = open_tunnel(gateway, backend);
  both.echo("before");
  CHECK(gateway.reload(yaml(1)).succeeded);
  CHECK(gateway.reload(yaml(2)).succeeded);
  const auto descriptors = open_descriptors();
  for (int i = 3; i < 23; ++i) {
    CAPTURE(i);
    REQUIRE(gateway.reload(yaml(i)).succeeded);
    both.echo("after " + std::to_string(i));
  }
  wait_until("descriptors to be closed", [&] { return open_descriptors() <= descriptors; });
  CHECK(tunnels(gateway) == 1);
  for (const auto& endpoint : gateway.endpoints()) {
    if (endpoint.cluster == "pods") CHECK(endpoint.active == 1);
  }
}

TEST_CASE("the access log goes on in another file, and off") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("tidegate-logs-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto logging = [&](const std::string& access) {
    return respond(route("/", "x")) + "log: { access: " + access + ", error: { path: /dev/null } }\n";
  };
  const auto first = (folder / "first.log").string();
  const auto second = (folder / "second.log").string();
  {
    GatewayFixture gateway(logging(first));
    RawClient client(gateway.port());
    CHECK(body_of(client, "/") == "x");
    CHECK(gateway.reload(logging(second)).succeeded);
    wait_until("the first log's line", [&] { return std::filesystem::file_size(first) > 0; });
    const auto size = std::filesystem::file_size(first);
    CHECK(body_of(client, "/") == "x");
    wait_until("the second log's line", [&] { return std::filesystem::file_size(second) > 0; });
    CHECK(std::filesystem::file_size(first) == size);
    const auto refused = gateway.reload(logging("/nowhere/access.log"));
    CHECK_FALSE(refused.succeeded);
    CHECK(refused.text.find("/nowhere/access.log") != std::string::npos);
    CHECK(gateway.reload(logging("off")).succeeded);
    CHECK(body_of(client, "/") == "x");
  }
  std::filesystem::remove_all(folder);
}
