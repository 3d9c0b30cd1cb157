#include "gateway/process/resolve_names.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/process/networks.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using gateway::resolve_names;

namespace {

conf::Endpoint endpoint(conf::Address address, std::string name = {}) {
  conf::Endpoint result;
  result.address = std::move(address);
  result.name = std::move(name);
  result.place = {"pods.yaml", 7, 9};
  return result;
}

std::vector<conf::Endpoint> resolved(std::vector<conf::Endpoint> endpoints) {
  auto config = std::make_shared<conf::Config>();
  config->upstreams.emplace_back().endpoints = std::move(endpoints);
  return resolve_names(config)->upstreams.at(0).endpoints;
}

// What it throws for this host, or "".
std::string complaint_about(const std::string& host) {
  try {
    (void)resolved({endpoint({host, 8080, {}})});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("an endpoint that is a name becomes one for each of its addresses") {
  auto named = endpoint({"localhost", 8080, {}});
  named.weight = 3;
  const auto found = resolved({named});
  REQUIRE_FALSE(found.empty());
  const gateway::Networks loopback({"127.0.0.0/8", "::1"});
  std::vector<std::string> addresses;
  for (const auto& one : found) {
    CAPTURE(one.address.text());
    CHECK(loopback.contains(one.address.host));
    CHECK(one.address.port == 8080);
    CHECK(one.weight == 3);
    CHECK(one.place.line == 7);
    for (const auto& earlier : addresses) CHECK(earlier != one.address.text());
    addresses.push_back(one.address.text());
  }
}

TEST_CASE("an endpoint named by its address is renamed with it, a name of its own stays") {
  const auto by_address = resolved({endpoint({"localhost", 8080, {}}, "localhost:8080")});
  for (const auto& one : by_address) CHECK(one.name == one.address.text());
  for (const auto& one : resolved({endpoint({"localhost", 8080, {}}, "blue")})) CHECK(one.name == "blue");
}

TEST_CASE("IP literals and Unix sockets stay as they are, in their order") {
  const std::vector<conf::Endpoint> given{endpoint({"10.0.0.1", 80, {}}), endpoint({{}, 0, "/run/pod.sock"}),
                                          endpoint({"fd00::1", 81, {}}, "six"),
                                          endpoint({{}, 0, "@abstract"})};
  const auto found = resolved(given);
  REQUIRE(found.size() == given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].address == given[i].address);
    CHECK(found[i].name == given[i].name);
  }
}

TEST_CASE("an address that two names share, or that is written besides, is one endpoint") {
  const auto once = resolved({endpoint({"localhost", 8080, {}})});
  REQUIRE_FALSE(once.empty());
  const auto twice = resolved({endpoint({"localhost", 8080, {}}), endpoint({"localhost", 8080, {}})});
  CHECK(twice.size() == once.size());
  const auto besides = resolved({endpoint(once.front().address), endpoint({"localhost", 8080, {}})});
  CHECK(besides.size() == once.size());
  const auto other_port = resolved({endpoint({"localhost", 8080, {}}), endpoint({"localhost", 8081, {}})});
  CHECK(other_port.size() == 2 * once.size());
}

TEST_CASE("a name without an address is told with its place") {
  // An empty label cannot be asked of any server (RFC 1035 3.1), so that this needs no network.
  const auto text = complaint_about("nobody..invalid");
  CAPTURE(text);
  CHECK(text.find("pods.yaml:7:9: cannot resolve nobody..invalid: ") == 0);
  CHECK(text.find("write its IP address, or mend the name") != std::string::npos);
}

TEST_CASE("the configuration that is given is left as it was") {
  auto config = std::make_shared<conf::Config>();
  config->upstreams.emplace_back().endpoints = {endpoint({"localhost", 8080, {}})};
  const auto after = resolve_names(config);
  CHECK(config->upstreams[0].endpoints.at(0).address.host == "localhost");
  CHECK(after->upstreams[0].endpoints.at(0).address.host != "localhost");
}
