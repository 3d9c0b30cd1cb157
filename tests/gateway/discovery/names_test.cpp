// Endpoints that are names, in a whole gateway.
#include <fstream>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/error_log_file.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::string in_front_of_name(const std::string& name, std::uint16_t port, const std::string& rest = {}) {
  return "listeners:\n  - address: 127.0.0.1:0\nroutes:\n  - path: /\n    upstream: pods\nupstreams:\n  "
         "pods:\n"
         "    endpoints: ['" +
         name + ":" + std::to_string(port) + "']\n" + rest;
}

}  // namespace

TEST_CASE("an endpoint that is a name of this machine is found without a name server") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(in_front_of_name("localhost", backend.port(),
                                          "resolver: { servers: ['127.0.0.1:1'], family: ipv4 }\n"));
  RawClient client(gateway.port());
  CHECK(client.get().body == "x");
  REQUIRE(gateway.endpoints().size() == 1);
  CHECK(gateway.endpoints().front().address == backend.address());
}

TEST_CASE("a dual-stack name whose IPv6 address nobody listens on costs no request") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(in_front_of_name("localhost", backend.port()));
  for (int i = 0; i < 10; ++i) {
    RawClient client(gateway.port());
    CHECK(client.get().body == "x");
  }
}

TEST_CASE("a name that does not resolve at the start stops nothing: requests wait, then hear why") {
  const ErrorLogFile log;
  GatewayFixture gateway(
      in_front_of_name("pods.invalid", 6001,
                       "    hold: { maxWait: 200ms }\nresolver: { servers: ['127.0.0.1:1'], "
                       "timeout: 50ms, tries: 1, search: [] }\n" +
                           log.yaml()));
  RawClient client(gateway.port());
  const auto answer = client.get();
  CHECK(answer.status == 503);
  CHECK(answer.field("Proxy-Status").find("dns_error") != std::string::npos);
  CHECK_FALSE(answer.field("Retry-After").empty());
  log.wait_for("dns pods.invalid:6001");
}
