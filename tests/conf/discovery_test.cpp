// Where endpoints come from: `dns`, `kubernetes`, `file`, names in `endpoints`, and `resolver`.
#include "conf/addresses.hpp"
#include "conf/endpoint_list.hpp"
#include "tests/conf/reading.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::conf;
using namespace std::chrono_literals;

namespace {

std::string with(const std::string& source, const std::string& rest = {}) {
  return "listeners: ['127.0.0.1:80']\nupstreams:\n  a: { " + source + " }\n" + rest;
}

template <class Kind>
Kind source_of(const std::string& source) {
  return std::get<Kind>(config_of(with(source)).upstreams.at(0).discovery);
}

}  // namespace

TEST_CASE("a DNS source: a name with its port, or SRV records") {
  CHECK(source_of<DnsSource>("dns: 'pods.hex.svc:6001'") == DnsSource{"pods.hex.svc", 6001, false});
  CHECK(source_of<DnsSource>("dns: { name: pods.example.com., port: 6001 }") ==
        DnsSource{"pods.example.com.", 6001, false});
  CHECK(source_of<DnsSource>("dns: { srv: _ws._tcp.pods }") == DnsSource{"_ws._tcp.pods", 0, true});
}

TEST_CASE("a Kubernetes source: a Service, its port by name or number") {
  const auto numbered =
      source_of<KubernetesSource>("kubernetes: { namespace: hex, service: soketi-ws, port: 6001 }");
  CHECK(numbered.name_space == "hex");
  CHECK(numbered.service == "soketi-ws");
  CHECK(numbered.port == 6001);
  const auto named = source_of<KubernetesSource>(
      "kubernetes: { service: soketi, port: ws, kubeconfig: /k, zone: europe-west1-b }");
  CHECK(named.port_name == "ws");
  CHECK(named.port == 0);
  CHECK(named.kubeconfig == "/k");
  CHECK(named.zone == "europe-west1-b");
}

TEST_CASE("a file, and how long what is known is kept") {
  const auto config = config_of(with("file: /run/pods.yaml, keepEndpoints: 2h"));
  CHECK(std::get<FileSource>(config.upstreams[0].discovery).path == "/run/pods.yaml");
  CHECK(config.upstreams[0].keep_endpoints == 2h);
  CHECK(config_of(with("dns: 'a:1'")).upstreams[0].keep_endpoints == 24h);
}

TEST_CASE("the resolver of the process") {
  const auto resolver = config_of(with("dns: 'a:1'",
                                       "resolver: { servers: [10.0.0.10, '[fd00::1]:5353'], search: "
                                       "[svc.cluster.local], ndots: 5, timeout: 1s, tries: 3, "
                                       "minTtl: 2s, maxTtl: 1m, family: ipv4 }\n"))
                            .resolver;
  CHECK(resolver.servers == std::vector<std::string>{"10.0.0.10:53", "[fd00::1]:5353"});
  CHECK(resolver.search == std::vector<std::string>{"svc.cluster.local"});
  CHECK(resolver.ndots == 5);
  CHECK(resolver.timeout == 1s);
  CHECK(resolver.tries == 3);
  CHECK(resolver.min_ttl == 2s);
  CHECK(resolver.max_ttl == 1min);
  CHECK(resolver.family == AddressFamily::ipv4);
  const auto standard = config_of(with("dns: 'a:1'")).resolver;
  CHECK(standard.servers.empty());
  CHECK_FALSE(standard.search.has_value());
  CHECK_FALSE(standard.ndots.has_value());
}

TEST_CASE("faults of sources, with their places") {
  struct Case {
    std::string written;
    std::string fault;
  };
  const Case cases[] = {
      {"balance: hash", "t.yaml:3:6: upstreams.a: one of endpoints, dns, kubernetes or file is missing"},
      {"dns: 'a:1', file: /x", "dns and file exclude each other"},
      {"endpoints: ['1.2.3.4:5'], file: /x", "endpoints and file exclude each other"},
      {"dns: a", "a name needs its port: write `a:6001`"},
      {"dns: 'a:0'", "a port is a number from 1 to 65535"},
      {"dns: 'a b:1'", "`a b` is not a host name"},
      {"dns: { name: a }", "`port` is missing"},
      {"dns: { srv: a, port: 1 }", "port has a meaning only beside `name`"},
      {"kubernetes: { port: 1 }", "`service` is missing"},
      {"kubernetes: { service: 'a/b' }", "`a/b` is not a name that Kubernetes gives"},
      {"file: ''", "write the name of a file"},
      {"file: /x, virtual: true", "upstreams.a.virtual: cannot stand beside `kubernetes` or `file`"},
  };
  for (const auto& [written, fault] : cases) {
    CAPTURE(written);
    CHECK(errors_of(with(written)).find(fault) != std::string::npos);
  }
  CHECK(errors_of(with("dns: 'a:1'", "resolver: { servers: [dns.example.com] }\n"))
            .find("a name server is an IP address") != std::string::npos);
  CHECK(errors_of(with("dns: 'a:1'", "resolver: { minTtl: 1m, maxTtl: 1s }\n")).find("resolver.maxTtl") !=
        std::string::npos);
}

// === files of endpoints ===

namespace {

std::string faults_of_list(const std::string& text) {
  const auto list = read_endpoint_list(text, "pods.yaml");
  std::string all;
  if (const auto* errors = std::get_if<ConfigErrors>(&list))
    for (const auto& error : *errors) all += error.text() + "\n";
  return all;
}

}  // namespace

TEST_CASE("a file of endpoints: a list or a map with one, in YAML or JSON") {
  const std::string texts[] = {
      "- 10.0.0.1:6001\n- { address: 'unix:/run/a', weight: 3, name: a }\n",
      "endpoints:\n  - 10.0.0.1:6001\n  - { address: 'unix:/run/a', weight: 3, name: a }\n",
      R"({"endpoints": ["10.0.0.1:6001", {"address": "unix:/run/a", "weight": 3, "name": "a"}]})",
  };
  for (const auto& text : texts) {
    CAPTURE(text);
    const auto list = read_endpoint_list(text, "pods.yaml");
    const auto* endpoints = std::get_if<std::vector<Endpoint>>(&list);
    REQUIRE(endpoints != nullptr);
    REQUIRE(endpoints->size() == 2);
    CHECK((*endpoints)[0].address == Address{"10.0.0.1", 6001, {}});
    CHECK((*endpoints)[1].address.path == "/run/a");
    CHECK((*endpoints)[1].weight == 3);
    CHECK((*endpoints)[1].name == "a");
  }
  const auto none = read_endpoint_list("[]", "pods.yaml");
  CHECK(std::get<std::vector<Endpoint>>(none).empty());
}

TEST_CASE("a file of endpoints that is half written, or says what cannot be") {
  CHECK_FALSE(faults_of_list("").empty());
  CHECK_FALSE(faults_of_list("endpoints:\n  - 10.0.0.1:6001\n  - { address: 10.0.").empty());
  CHECK(faults_of_list("endpoints: [soketi:6001]").find("pods.yaml:1:13: endpoints[0]: `soketi` is a name") !=
        std::string::npos);
  CHECK(faults_of_list("- 10.0.0.1:1\n- 10.0.0.1:1\n").find("`10.0.0.1:1` is endpoints[0] already") !=
        std::string::npos);
  CHECK(faults_of_list("pods: []").find("unknown key `pods`") != std::string::npos);
  CHECK(faults_of_list("just words").find("expected a list of endpoints") != std::string::npos);
}
