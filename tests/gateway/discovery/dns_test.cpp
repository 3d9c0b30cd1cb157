// A whole gateway that follows records of a real name server: every change of them is seen in who is picked.
#include <map>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/missing.hpp"
#include "tests/upstream/discovery/dns/name_server.hpp"

using namespace tidegate;
using namespace tidegate::test;
using upstream::EndpointState;

namespace {

std::unique_ptr<NameServer> start_name_server() {
  try {
    return std::make_unique<NameServer>();
  } catch (const Missing& missing) {
    WARN("skipped: " << missing.what());
    return nullptr;
  }
}

std::string following(const NameServer& server, const std::string& upstream = {}) {
  return "listeners:\n  - address: 127.0.0.1:0\nroutes:\n  - path: /\n    upstream: pods\nupstreams:\n  "
         "pods:\n"
         "    dns: { srv: _ws._tcp.pods.test }\n" +
         upstream + "resolver: { servers: ['" + server.address() +
         "'], search: [], timeout: 200ms, minTtl: 100ms, maxTtl: 300ms }\n";
}

std::string service(const ScriptedBackend& backend, const std::string& priority_and_weight = "0 1") {
  return "_ws._tcp.pods.test. 1 IN SRV " + priority_and_weight + " " + std::to_string(backend.port()) +
         " pod.test.";
}

void wait_for_endpoints(const GatewayFixture& gateway, std::size_t count) {
  wait_until(std::to_string(count) + " endpoints", [&] { return gateway.endpoints().size() == count; });
  gateway.settle();
}

std::map<std::string, int> bodies(const GatewayFixture& gateway, int requests) {
  std::map<std::string, int> counts;
  RawClient client(gateway.port());
  for (int i = 0; i < requests; ++i) ++counts[client.get().body];
  return counts;
}

using Counts = std::map<std::string, int>;

}  // namespace

TEST_CASE("records that come and go, a server that stops and starts: who is picked follows") {
  const auto server = start_name_server();
  if (!server) return;
  ScriptedBackend first;
  ScriptedBackend second;
  ScriptedBackend third;
  first.serve(answer_all("first"));
  second.serve(answer_all("second"));
  third.serve(answer_all("third"));
  server->add("pod.test. 1 IN A 127.0.0.1");
  server->add(service(first));
  GatewayFixture gateway(following(*server));
  wait_for_endpoints(gateway, 1);
  CHECK(bodies(gateway, 4) == Counts{{"first", 4}});

  server->add(service(second));
  wait_for_endpoints(gateway, 2);
  CHECK(bodies(gateway, 10) == Counts{{"first", 5}, {"second", 5}});

  server->stop();
  wait_until("the failure to be told", [&] {
    return gateway.admin("/metrics")
               .find(
                   "tidegate_discovery_up{upstream=\"pods\",source=\"dns "
                   "_ws._tcp.pods.test (SRV)\"} 0") != std::string::npos;
  });
  gateway.settle();
  CHECK(bodies(gateway, 10) == Counts{{"first", 5}, {"second", 5}});

  server->start();  // without a record
  wait_until("the name to be gone",
             [&] { return gateway.admin("/endpoints").find("NXDOMAIN") != std::string::npos; });
  gateway.settle();
  CHECK(bodies(gateway, 10) == Counts{{"first", 5}, {"second", 5}});

  server->add("pod.test. 1 IN A 127.0.0.1");
  server->add(service(third));
  wait_until("the third to be the only one", [&] {
    const auto all = gateway.endpoints();
    return all.size() == 1 && all.front().address == third.address();
  });
  gateway.settle();
  CHECK(bodies(gateway, 4) == Counts{{"third", 4}});
}

TEST_CASE("weights and priorities of SRV records") {
  const auto server = start_name_server();
  if (!server) return;
  ScriptedBackend heavy;
  ScriptedBackend light;
  ScriptedBackend spare;
  heavy.serve(answer_all("heavy"));
  light.serve(answer_all("light"));
  spare.serve(answer_all("spare"));
  server->add("pod.test. 1 IN A 127.0.0.1");
  server->add(service(heavy, "1 3"));
  server->add(service(light, "1 1"));
  server->add(service(spare, "2 1"));
  GatewayFixture gateway(following(*server));
  wait_for_endpoints(gateway, 3);
  CHECK(bodies(gateway, 12) == Counts{{"heavy", 9}, {"light", 3}});
  gateway.order(heavy.address(), upstream::AdminOrder::drain);
  gateway.order(light.address(), upstream::AdminOrder::drain);
  CHECK(bodies(gateway, 3) == Counts{{"spare", 3}});
}

TEST_CASE(
    "an address that leaves the answer drains: its WebSockets leave one by one, not all at once by a cut") {
  const auto server = start_name_server();
  if (!server) return;
  EchoPod leaving;
  EchoPod staying;
  server->add("pod.test. 1 IN A 127.0.0.1");
  server->add(service(leaving.backend));
  GatewayFixture gateway(following(*server, "    drain: { window: 1s }\n"));
  wait_for_endpoints(gateway, 1);
  auto client = open_client(gateway);
  expect_echo(client, "before");
  server->add(service(staying.backend));
  wait_for_endpoints(gateway, 2);
  server->remove("_ws._tcp.pods.test.");
  server->add(service(staying.backend));
  gateway.wait_for_state(leaving.backend.address(), EndpointState::draining);
  expect_close(client, 1012);
}
