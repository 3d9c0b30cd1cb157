// The keys that say who clients are and which of them are let in.

#include "tests/conf/reading.hpp"

using namespace tidegate::conf;

namespace {

const std::string kUpstream = "upstreams: { pods: { endpoints: ['10.0.0.1:1'] } }\n";

std::string listener(const std::string& keys) {
  return "listeners:\n  - address: 0.0.0.0:80\n    " + keys + "\n" + kUpstream;
}

std::string route(const std::string& keys) {
  return "listeners: ['0.0.0.0:80']\nroutes:\n  - upstream: pods\n    " + keys + "\n" + kUpstream;
}

}  // namespace

TEST_CASE("proxyProtocol of a listener") {
  const auto config = config_of(listener("proxyProtocol: { from: [10.0.0.0/8, 'unix:', fd00::1] }"));
  const auto& in = *config.listeners[0].proxy_protocol;
  CHECK(in.from == std::vector<std::string>{"10.0.0.0/8", "unix:", "fd00::1/128"});
  CHECK(in.others == OtherPeers::refuse);
  CHECK(config_of(listener("proxyProtocol: { from: [10.0.0.0/8], others: direct }"))
            .listeners[0]
            .proxy_protocol->others == OtherPeers::direct);
  CHECK_FALSE(config_of(listener("backlog: 5")).listeners[0].proxy_protocol);
  CHECK(errors_of(listener("proxyProtocol: { from: [] }")).find("proxyProtocol.from: is empty") !=
        std::string::npos);
  CHECK(errors_of(listener("proxyProtocol: {}")).find("from") != std::string::npos);
  CHECK(errors_of(listener("proxyProtocol: { from: [10.0.0.1/8] }")).find("bits behind its prefix") !=
        std::string::npos);
  CHECK(errors_of(listener("timeouts: { proxyProtocol: 0s }")).find("timeouts.proxyProtocol") !=
        std::string::npos);
}

TEST_CASE("access of listeners and routes is a list in order") {
  const auto config = config_of(listener("access: [{ allow: [10.0.0.0/8, 'unix:'] }, { deny: all }]"));
  const auto& rules = config.listeners[0].access;
  REQUIRE(rules.size() == 3);
  CHECK((rules[0].allow && rules[0].network == "10.0.0.0/8"));
  CHECK((rules[1].allow && rules[1].network == "unix:"));
  CHECK((!rules[2].allow && rules[2].network == "all"));
  CHECK(config_of(route("access: [{ deny: 10.0.0.1 }]")).routes[0].access.size() == 1);
  CHECK(errors_of(listener("access: [{ deny: all }, { allow: 10.0.0.1 }]")).find("never reached") !=
        std::string::npos);
  CHECK(errors_of(listener("access: [{ deny: 10.0.0.256 }]")).find("expected a network") !=
        std::string::npos);
  CHECK_FALSE(errors_of(listener("access: [{ deny: all, allow: all }]")).empty());
  CHECK_FALSE(errors_of(listener("access: [{}]")).empty());
  CHECK_FALSE(errors_of(route("access: [10.0.0.1]")).empty());
}

TEST_CASE("an access list that keeps nobody out is refused with the fix") {
  for (const auto* const rules :
       {"{ allow: 10.0.0.0/8 }", "{ allow: [10.0.0.0/8, 'unix:'] }", "{ allow: all }"}) {
    CAPTURE(rules);
    const std::string access = "access: [" + std::string(rules) + "]";
    CHECK(errors_of(listener(access))
              .find("access: keeps nobody out, since whom no rule fits is let in: add "
                    "`- deny: all`") != std::string::npos);
    CHECK(errors_of(route(access)).find("routes[0].access: keeps nobody out") != std::string::npos);
  }
  CHECK(errors_of(listener("access: [{ deny: 10.0.0.1 }, { allow: 10.0.0.0/8 }]")).empty());
}

TEST_CASE("origins are a list, or a map that says what becomes of handshakes without") {
  const auto origins_of = [](const std::string& keys) {
    const auto config = config_of(route(keys));
    return std::get<ProxyAction>(config.routes[0].action).origins;
  };
  CHECK(origins_of("origins: [https://a.example, '*.b.example', self, 'null']")->allowed.size() == 4);
  CHECK(origins_of("origins: https://a.example")->allowed.size() == 1);
  CHECK(origins_of("origins: { allow: [https://a.example], required: true }")->required);
  CHECK_FALSE(origins_of("name: x").has_value());
  for (const auto* const bad :
       {"https://a.example/", "https://", "a example", "'*'", "'*.'", "https://*.*.example",
        "https://a.example:x", "'https://a.example:70000'", "''"}) {
    CAPTURE(bad);
    CHECK(errors_of(route("origins: [" + std::string(bad) + "]")).find("routes[0].origins") !=
          std::string::npos);
  }
  CHECK(errors_of(route("origins: []")).find("is empty") != std::string::npos);
  CHECK_FALSE(
      errors_of("listeners: ['0.0.0.0:80']\nroutes:\n  - { respond: {}, origins: [self] }\n").empty());
}

TEST_CASE("basicAuth needs its file") {
  const auto config = config_of(route("basicAuth: { file: /etc/htpasswd }"));
  CHECK(config.routes[0].basic_auth->realm == "restricted");
  CHECK(config.routes[0].basic_auth->file == "/etc/htpasswd");
  CHECK_FALSE(errors_of(route("basicAuth: {}")).empty());
  CHECK(errors_of(route("basicAuth: { file: '' }")).find("is empty") != std::string::npos);
  CHECK(errors_of(route("basicAuth: { file: /x, realm: \"a\\nb\" }")).find("line breaks") !=
        std::string::npos);
}

TEST_CASE("proxyProtocol of an upstream and clientAddress") {
  CHECK(config_of("listeners: ['0.0.0.0:80']\nclientAddress: forwarded\ntrustedProxies: ['unix:']\n"
                  "upstreams: { pods: { endpoints: ['10.0.0.1:1'], proxyProtocol: v2 } }\n")
            .upstreams[0]
            .proxy_protocol == ProxyProtocolOut::v2);
  const auto config = config_of("listeners: ['0.0.0.0:80']\nclientAddress: none\n" + kUpstream);
  CHECK(config.client_address == ClientAddressFrom::none);
  CHECK(config.upstreams[0].proxy_protocol == ProxyProtocolOut::off);
  CHECK_FALSE(errors_of("listeners: ['0.0.0.0:80']\nclientAddress: xff\n" + kUpstream).empty());
}
