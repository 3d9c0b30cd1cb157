#include "gateway/process/config_diff.hpp"

#include "tests/conf/reading.hpp"

using namespace tidegate;
using gateway::compare;
using gateway::describe;
using gateway::keeps_connections;
using gateway::keeps_pool;

namespace {

conf::Config with(const std::string& listeners, const std::string& routes, const std::string& upstreams,
                  const std::string& rest = "") {
  return conf::config_of("listeners: [" + listeners + "]\nroutes: [" + routes + "]\nupstreams: {" +
                         upstreams + "}\n" + rest);
}

const std::string kListener = "'127.0.0.1:8001'";
const std::string kRoute = "{path: /, upstream: a}";
const std::string kUpstream = "a: {endpoints: ['10.0.0.1:80']}";

}  // namespace

TEST_CASE("a configuration that says the same in other lines has not changed") {
  const auto before = with(kListener, kRoute, kUpstream);
  const auto after = conf::config_of(
      "# moved\n\nupstreams:\n  a:\n    endpoints:\n      - 10.0.0.1:80\nroutes:\n  - path: /\n    upstream: "
      "a\n"
      "listeners:\n  - address: 127.0.0.1:8001\n");
  const auto diff = compare(before, after);
  CHECK(diff.empty());
  CHECK(describe(diff) == "nothing has changed");
}

TEST_CASE("what a new configuration changes is named") {
  const auto before = with(kListener + ", '127.0.0.1:8002'", kRoute + ", {path: /old, upstream: a}",
                           kUpstream + ", b: {endpoints: ['10.0.0.2:80']}");
  struct Row {
    std::string name;
    conf::Config after;
    std::string expected;
  };
  const std::vector<Row> rows{
      {"route removed, another added",
       with(kListener + ", '127.0.0.1:8002'", kRoute + ", {path: /new, upstream: a}",
            kUpstream + ", b: {endpoints: ['10.0.0.2:80']}"),
       "routes: 1 added (/new), 1 removed (/old)"},
      {"listener and upstream removed", with(kListener, kRoute + ", {path: /old, upstream: a}", kUpstream),
       "listeners: 1 removed (127.0.0.1:8002); upstreams: 1 removed (b)"},
      {"settings of a listener, endpoints of an upstream",
       with("{address: '127.0.0.1:8001', timeouts: {clientKeepalive: 5s}}, '127.0.0.1:8002'",
            kRoute + ", {path: /old, upstream: a}",
            "a: {endpoints: ['10.0.0.3:80']}, b: {endpoints: ['10.0.0.2:80']}"),
       "listeners: 1 changed (127.0.0.1:8001); upstreams: 1 changed (a)"},
      {"the process",
       with(kListener + ", '127.0.0.1:8002'", kRoute + ", {path: /old, upstream: a}",
            kUpstream + ", b: {endpoints: ['10.0.0.2:80']}", "workers: 7\n"),
       "settings of the process changed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(describe(compare(before, row.after)) == row.expected);
  }
}

TEST_CASE("listeners are matched by address, wherever they stand") {
  const auto before = with("'127.0.0.1:8001', '127.0.0.1:8002'", kRoute, kUpstream);
  const auto after = with("'127.0.0.1:8003', '127.0.0.1:8002'", kRoute, kUpstream);
  const auto diff = compare(before, after);
  REQUIRE(diff.listeners_before.size() == 2);
  CHECK_FALSE(diff.listeners_before[0].has_value());
  CHECK(diff.listeners_before[1] == std::size_t{1});
}

TEST_CASE("connections go on only where nothing else is asked of them than when they were opened") {
  const auto listener = [](const std::string& rest) {
    return with("{address: '127.0.0.1:8001'" + rest + "}", kRoute, kUpstream).listeners.front();
  };
  const auto plain = listener("");
  CHECK(keeps_connections(plain, listener(", timeouts: {clientKeepalive: 5s}")));
  CHECK_FALSE(keeps_connections(plain, listener(", tls: {certificate: /a, key: /b}")));
  CHECK_FALSE(keeps_connections(plain, listener(", proxyProtocol: {from: [10.0.0.0/8]}")));
  CHECK_FALSE(keeps_connections(plain, listener(", access: [{deny: all}]")));
  CHECK(keeps_connections(listener(", tls: {certificate: /a, key: /b}"),
                          listener(", tls: {certificate: /c, key: /d}")));
  CHECK_FALSE(keeps_connections(
      listener(", tls: {certificate: /a, key: /b}"),
      listener(", tls: {certificate: /a, key: /b, clientCertificates: {mode: required, ca: /c}}")));
}

TEST_CASE("idle connections to pods are used further unless new ones are opened in another way") {
  const auto upstream = [](const std::string& rest) {
    return with(kListener, kRoute, "a: {endpoints: ['10.0.0.1:80']" + rest + "}").upstreams.front();
  };
  CHECK(keeps_pool(upstream(""), upstream(", timeouts: {connect: 1s}")));
  CHECK_FALSE(keeps_pool(upstream(""), upstream(", tls: on")));
  CHECK_FALSE(keeps_pool(upstream(""), upstream(", sourceAddresses: [127.0.0.2]")));
}
