// A whole gateway that watches EndpointSlices: pods that terminate, and an API server that is away.
#include <fstream>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/error_log_file.hpp"
#include "tests/support/kube_api.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tidegate;
using namespace tidegate::test;
using upstream::EndpointState;

namespace {

// A cluster with one Service, each of whose pods has a slice of its own.
struct Cluster {
  void put(const ScriptedBackend& pod, std::optional<bool> serving = {}, bool terminating = false) {
    KubeSlice slice;
    slice.name = "pods-" + std::to_string(pod.port());
    slice.service = "pods";
    slice.ports.push_back({"http", pod.port()});
    KubeEndpoint endpoint;
    endpoint.address = "127.0.0.1";
    endpoint.ready = !terminating && serving.value_or(true);
    endpoint.serving = serving;
    endpoint.terminating = terminating;
    slice.endpoints.push_back(std::move(endpoint));
    api.put_slice(slice);
  }
  void terminate(const ScriptedBackend& pod) { put(pod, true, true); }

  [[nodiscard]] std::string yaml(const std::string& upstream = {}) const {
    const auto file = folder.file("kubeconfig");
    std::ofstream(file)
        << "{ apiVersion: v1, kind: Config, current-context: it, contexts: [{ name: it, context: "
           "{ cluster: it, user: it } }], users: [{ name: it, user: {} }], clusters: [{ name: it, "
           "cluster: { server: '"
        << api.url() << "' } }] }\n";
    return "listeners:\n  - address: 127.0.0.1:0\nroutes:\n  - path: /\n    upstream: pods\nupstreams:\n"
           "  pods:\n    kubernetes: { service: pods, port: http, kubeconfig: " +
           file + " }\n" + upstream;
  }

  KubeApi api;
  TemporaryFolder folder;
};

void wait_for_endpoints(const GatewayFixture& gateway, std::size_t count) {
  wait_until(std::to_string(count) + " endpoints", [&] { return gateway.endpoints().size() == count; });
  gateway.settle();
}

}  // namespace

TEST_CASE("a pod whose slice says terminating gets nothing new, and its WebSockets leave") {
  Cluster cluster;
  EchoPod leaving;
  EchoPod staying;
  cluster.put(leaving.backend);
  GatewayFixture gateway(cluster.yaml("    drain: { window: 1s }\n"));
  wait_for_endpoints(gateway, 1);
  auto client = open_client(gateway);
  expect_echo(client, "before");
  cluster.put(staying.backend);
  wait_for_endpoints(gateway, 2);
  cluster.terminate(leaving.backend);
  gateway.wait_for_state(leaving.backend.address(), EndpointState::draining);
  const auto connections = leaving.backend.connections();
  for (int i = 0; i < 5; ++i) {
    auto other = open_client(gateway);
    expect_echo(other, "elsewhere");
  }
  CHECK(leaving.backend.connections() == connections);
  expect_close(client, 1012);
}

TEST_CASE("a pod that does not serve gets nothing new, and its WebSockets stay") {
  Cluster cluster;
  EchoPod resting;
  EchoPod serving;
  cluster.put(resting.backend);
  GatewayFixture gateway(cluster.yaml());
  wait_for_endpoints(gateway, 1);
  auto client = open_client(gateway);
  cluster.put(serving.backend);
  wait_for_endpoints(gateway, 2);
  cluster.put(resting.backend, false);
  gateway.wait_for_state(resting.backend.address(), EndpointState::unready);
  const auto connections = resting.backend.connections();
  for (int i = 0; i < 5; ++i) {
    auto other = open_client(gateway);
    expect_echo(other, "elsewhere");
  }
  CHECK(resting.backend.connections() == connections);
  expect_echo(client, "still here");
  cluster.put(resting.backend, true);
  gateway.wait_for_state(resting.backend.address(), EndpointState::ready);
}

TEST_CASE(
    "while the API server is down the last good pods are served, and a pod that goes costs no request") {
  Cluster cluster;
  ScriptedBackend first;
  ScriptedBackend second;
  first.serve(answer_all("first"));
  second.serve(answer_all("second"));
  cluster.put(first);
  cluster.put(second);
  GatewayFixture gateway(cluster.yaml());
  wait_for_endpoints(gateway, 2);
  cluster.api.stop();
  wait_until("the failure to be told", [&] {
    return gateway.admin("/metrics")
               .find("tidegate_discovery_up{upstream=\"pods\",source=\"kubernetes pods\"} 0") !=
           std::string::npos;
  });
  first.refuse();  // a rollout that nobody can tell of
  for (int i = 0; i < 10; ++i) {
    RawClient client(gateway.port());
    CHECK(client.get().body == "second");
  }
  first.listen();
  cluster.api.start();
  wait_until("the source to be up again", [&] {
    return gateway.admin("/metrics")
               .find("tidegate_discovery_up{upstream=\"pods\",source=\"kubernetes pods\"} 1") !=
           std::string::npos;
  });
}

TEST_CASE(
    "a gateway that starts while the API server is down holds requests, and says why it cannot serve them") {
  Cluster cluster;
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  cluster.put(backend);
  cluster.api.stop();
  const ErrorLogFile log;
  SECTION("until it is back") {
    GatewayFixture gateway(cluster.yaml("    hold: { maxWait: 30s }\n"));
    RawClient client(gateway.port());
    client.send(get());
    wait_until("the request to wait", [&] { return gateway.waiting("pods") == 1; });
    cluster.api.start();
    CHECK(client.read_answer().body == "x");
  }
  SECTION("or its time is over") {
    GatewayFixture gateway(cluster.yaml("    hold: { maxWait: 100ms }\n" + log.yaml()));
    RawClient client(gateway.port());
    CHECK(client.get().status == 503);
    log.wait_for("kubernetes pods: ");
    log.wait_for("Connection refused");
  }
}
