// What the tests of this folder begin with: a configuration in front of scripted backends.
#pragma once

#include <initializer_list>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/scripted_backend.hpp"
#include "tests/support/tls_everywhere.hpp"

namespace tidegate::test {

// The parts of a configuration that differ from test to test, each as whole lines of YAML.
struct Setup {
  std::string listener = {};  // keys of the one listener, each line indented by 4
  std::string route = {};     // keys of the one route, likewise
  std::string upstream = {};  // keys of the upstream `pods`, likewise
  std::string rest = {};      // keys of the whole
};

using Backends = std::initializer_list<const ScriptedBackend*>;

// One listener, one route to everything, and the upstream `pods` of these backends.
inline std::string in_front_of(Backends backends, const Setup& setup = {}) {
  std::string yaml = "listeners:\n  - address: 127.0.0.1:0\n" + setup.listener;
  yaml += "routes:\n  - path: /\n    upstream: pods\n" + setup.route;
  yaml += "upstreams:\n  pods:\n    endpoints:\n";
  for (const auto* backend : backends) yaml += "      - '" + backend->address() + "'\n";
  return yaml + setup.upstream + setup.rest;
}

inline std::string in_front_of(const ScriptedBackend& backend, const Setup& setup = {}) {
  return in_front_of({&backend}, setup);
}

// A gateway in front of one backend that a test scripts step by step.
struct OnePod {
  explicit OnePod(const Setup& setup = {}) : gateway(in_front_of(backend, setup)), client(gateway.port()) {}

  ScriptedBackend backend;
  GatewayFixture gateway;
  RawClient client;
};

inline std::string get(const std::string& target = "/", const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}

inline std::string post(const std::string& body, const std::string& fields = "") {
  return "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
         "\r\n" + body;
}

// Connections of clients that are open, in a request or between two.
inline std::uint64_t gateway_connections(const GatewayFixture& gateway) {
  return gateway.workers([](const auto& counters) {
    return static_cast<std::uint64_t>(counters.connections_idle.value() +
                                      counters.connections_active.value());
  });
}

}  // namespace tidegate::test
