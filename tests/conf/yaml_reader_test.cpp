// Good documents: every field of the configuration can be written, and arrives.

#include "tests/conf/reading.hpp"

using namespace tidegate::conf;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view shortest = R"(
listeners: [127.0.0.1:8080]
upstreams:
  app: { endpoints: ["127.0.0.1:6001"] }
)";

// `routes:` with the one route `route`, beside an upstream called `app`.
std::string with_route(std::string_view route) {
  return "listeners: [\"0.0.0.0:80\"]\nupstreams: {app: {endpoints: [\"10.0.0.1:1\"]}}\nroutes:\n  - " +
         std::string(route) + "\n";
}

std::string with_upstream(std::string_view members) {
  return "listeners: [\"0.0.0.0:80\"]\nupstreams:\n  app:\n    endpoints: [\"10.0.0.1:1\"]\n    " +
         std::string(members) + "\n";
}

const ProxyAction& proxy_of(const Config& config) {
  return std::get<ProxyAction>(config.routes.at(0).action);
}

}  // namespace

TEST_CASE("the shortest file is safe") {
  const Config config = config_of(shortest);
  REQUIRE(config.routes.size() == 1);
  CHECK(config.routes[0].path.kind == PathKind::prefix);
  CHECK(config.routes[0].path.value == "/");
  CHECK(proxy_of(config).upstream == "app");
  CHECK(proxy_of(config).upgrade.websocket);
  const Upstream& upstream = config.upstreams.at(0);
  CHECK(upstream.hold.enabled);
  CHECK(upstream.retry.enabled);
  CHECK(upstream.retry.upgrades.status_503);
  CHECK(!upstream.retry.requests.status_503);
  CHECK(upstream.endpoints.at(0).name == "127.0.0.1:6001");
  CHECK(config.admin.enabled);
  CHECK(config.admin.address.text() == "127.0.0.1:9901");
  CHECK(config.listeners.at(0).place.line == 2);
}

TEST_CASE("listeners") {
  const Config config = config_of(R"(
listeners:
  - ":80"
  - address: "unix:/run/tidegate.sock"
    requestLimits: { head: 64k, target: 8k, fields: 50, body: 10m, trailers: 4k }
    timeouts: { requestHeader: 5s, requestBody: 6s, clientKeepalive: 7s, writeStall: 8s }
    tcpKeepalive: { idle: 9s, interval: 10s, probes: 11 }
    bareLineFeed: accept
    underscoresInHeaders: refuse
    backlog: 128
upstreams: { app: { endpoints: ["127.0.0.1:6001"] } }
)");
  REQUIRE(config.listeners.size() == 3);
  CHECK(config.listeners[0].address.text() == "0.0.0.0:80");
  CHECK(!config.listeners[0].optional_family);
  const Listener& second = config.listeners[1];
  CHECK(second.address.path == "/run/tidegate.sock");
  CHECK(second.limits.head_bytes == 65'536);
  CHECK(second.limits.target_bytes == 8192);
  CHECK(second.limits.fields == 50);
  CHECK(second.limits.body_bytes == 10 * 1024 * 1024);
  CHECK(second.limits.trailer_bytes == 4096);
  CHECK(second.timeouts.request_header == 5s);
  CHECK(second.timeouts.request_body == 6s);
  CHECK(second.timeouts.client_keepalive == 7s);
  CHECK(second.timeouts.write_stall == 8s);
  CHECK(second.keepalive.idle == 9s);
  CHECK(second.keepalive.interval == 10s);
  CHECK(second.keepalive.probes == 11);
  CHECK(second.bare_line_feed == BareLineFeed::accept);
  CHECK(second.underscores_in_headers == UnderscoresInHeaders::refuse);
  CHECK(config.listeners[0].underscores_in_headers == UnderscoresInHeaders::drop);
  CHECK(second.backlog == 128);
  CHECK(config.listeners[2].address.text() == "[::]:80");
  CHECK(config.listeners[2].optional_family);
}

TEST_CASE("the IPv6 half of a listener has all of its settings") {
  const Config config =
      config_of("listeners: [{address: \":80\", backlog: 7}]\nupstreams: {a: {endpoints: [\"h:1\"]}}\n");
  REQUIRE(config.listeners.size() == 2);
  CHECK(config.listeners[1].backlog == 7);
}

TEST_CASE("conditions of routes") {
  SECTION("a plain path is a prefix") {
    const Config config = config_of(with_route("{path: /app, upstream: app}"));
    CHECK(config.routes[0].path.kind == PathKind::prefix);
    CHECK(config.routes[0].path.value == "/app");
    CHECK(config.routes[0].name == "/app");
  }
  SECTION("exact") {
    const Config config = config_of(with_route("{path: {exact: /x}, upstream: app}"));
    CHECK(config.routes[0].path.kind == PathKind::exact);
  }
  SECTION("prefix in full") {
    const Config config = config_of(with_route("{path: {prefix: /x}, upstream: app}"));
    CHECK(config.routes[0].path.kind == PathKind::prefix);
    CHECK(config.routes[0].path.value == "/x");
  }
  SECTION("regex") {
    const Config config = config_of(with_route("{path: {regex: '^/a[0-9]+$'}, upstream: app}"));
    CHECK(config.routes[0].path.kind == PathKind::regex);
    CHECK(config.routes[0].path.value == "^/a[0-9]+$");
  }
  SECTION("hosts, listeners and name") {
    const Config config =
        config_of(with_route("{name: n, hosts: [A.example.com, \"*.b.example.com\"], listeners: "
                             "[\"0.0.0.0:80\"], upstream: app}"));
    CHECK(config.routes[0].name == "n");
    CHECK(config.routes[0].hosts == std::vector<std::string>{"a.example.com", "*.b.example.com"});
    CHECK(config.routes[0].listeners == std::vector<std::string>{"0.0.0.0:80"});
    CHECK(config.routes[0].place.line == 4);
    CHECK(config.routes[0].place.column == 5);
  }
  SECTION("a listener of both families stands for both in routes") {
    const Config config = config_of(
        "listeners: [\":80\"]\nupstreams: {app: {endpoints: [\"h:1\"]}}\nroutes: [{listeners: [\":80\"], "
        "upstream: app}]\n");
    CHECK(config.routes[0].listeners == std::vector<std::string>{"0.0.0.0:80", "[::]:80"});
  }
}

TEST_CASE("proxy actions") {
  SECTION("prefix stripped") {
    const Config config = config_of(with_route("{path: /v1, upstream: app, stripPrefix: true}"));
    CHECK(proxy_of(config).replace_prefix == "");
  }
  SECTION("prefix replaced") {
    const Config config = config_of(with_route("{path: /v1, upstream: app, replacePrefix: /v2}"));
    CHECK(proxy_of(config).replace_prefix == "/v2");
  }
  SECTION("prefix left") {
    const Config config = config_of(with_route("{path: /v1, upstream: app, stripPrefix: no}"));
    CHECK(!proxy_of(config).replace_prefix);
  }
  SECTION("host") {
    CHECK(proxy_of(config_of(with_route("{upstream: app}"))).host == HostPolicy::preserve);
    CHECK(proxy_of(config_of(with_route("{upstream: app, host: preserve}"))).host == HostPolicy::preserve);
    CHECK(proxy_of(config_of(with_route("{upstream: app, host: upstream}"))).host == HostPolicy::upstream);
    const Config config = config_of(with_route("{upstream: app, host: \"x.$host\"}"));
    CHECK(proxy_of(config).host == HostPolicy::replace);
    CHECK(proxy_of(config).host_value == "x.$host");
  }
  SECTION("upgrade") {
    const auto upgrade = [](std::string_view text) {
      return proxy_of(config_of(with_route("{upstream: app, upgrade: " + std::string(text) + "}"))).upgrade;
    };
    CHECK(!upgrade("none").websocket);
    CHECK(!upgrade("[]").websocket);
    CHECK(upgrade("any").any);
    CHECK(upgrade("any").websocket);
    CHECK(upgrade("websocket").websocket);
    CHECK(!upgrade("websocket").any);
    CHECK(upgrade("[websocket, tls/1.0]").others == std::vector<std::string>{"tls/1.0"});
    CHECK(!upgrade("[tls/1.0]").websocket);
  }
  SECTION("body limit") {
    CHECK(!proxy_of(config_of(with_route("{upstream: app}"))).body_bytes);
    CHECK(proxy_of(config_of(with_route("{upstream: app, maxBody: 1m}"))).body_bytes == 1024 * 1024);
    CHECK(proxy_of(config_of(with_route("{upstream: app, maxBody: 0}"))).body_bytes == 0);
  }
  SECTION("header rules come in the order remove, set, add") {
    const Config config = config_of(
        with_route("{upstream: app, requestHeaders: {add: {X-B: 2}, set: {X-A: \"$host\"}, remove: [X-C]},"
                   " responseHeaders: {set: {Server: off}}}"));
    const auto& rules = proxy_of(config).request_headers;
    REQUIRE(rules.size() == 3);
    CHECK(rules[0].operation == HeaderOperation::remove);
    CHECK(rules[0].name == "X-C");
    CHECK(rules[1].operation == HeaderOperation::set);
    CHECK(rules[1].value == "$host");
    CHECK(rules[2].operation == HeaderOperation::add);
    CHECK(rules[2].value == "2");
    REQUIRE(config.routes[0].response_headers.size() == 1);
    CHECK(config.routes[0].response_headers[0].value == "off");
  }
}

TEST_CASE("other actions") {
  SECTION("redirect as a text") {
    const Config config = config_of(with_route("redirect: https://$host$request_uri"));
    const auto& redirect = std::get<RedirectAction>(config.routes[0].action);
    CHECK(redirect.location == "https://$host$request_uri");
    CHECK(redirect.status == 308);
  }
  SECTION("redirect in full") {
    const Config config = config_of(with_route("redirect: {to: /new, status: 302}"));
    CHECK(std::get<RedirectAction>(config.routes[0].action).status == 302);
  }
  SECTION("respond") {
    const Config config = config_of(with_route("respond: {status: 410, body: gone, contentType: text/html}"));
    const auto& respond = std::get<RespondAction>(config.routes[0].action);
    CHECK(respond.status == 410);
    CHECK(respond.body == "gone");
    CHECK(respond.content_type == "text/html");
  }
  SECTION("without any upstream") {
    const Config config = config_of("listeners: [\":80\"]\nroutes: [{respond: {body: hello}}]\n");
    CHECK(config.upstreams.empty());
  }
}

TEST_CASE("endpoints") {
  const Config config = config_of(R"(
listeners: [":80"]
upstreams:
  app:
    endpoints:
      - 10.0.0.1:6001
      - { address: "soketi:6001", weight: 5, name: five }
      - { address: "unix:/run/app.sock" }
    virtual: yes
)");
  const auto& endpoints = config.upstreams.at(0).endpoints;
  REQUIRE(endpoints.size() == 3);
  CHECK(endpoints[0].weight == 1);
  CHECK(endpoints[0].place.line == 6);
  CHECK(endpoints[1].address.host == "soketi");
  CHECK(endpoints[1].weight == 5);
  CHECK(endpoints[1].name == "five");
  CHECK(endpoints[2].name == "unix:/run/app.sock");
  CHECK(config.upstreams[0].virtual_address);
}

TEST_CASE("balance") {
  const auto balance = [](std::string_view text) {
    return config_of(with_upstream("balance: " + std::string(text))).upstreams.at(0).balance;
  };
  CHECK(balance("round-robin").kind == Balance::round_robin);
  CHECK(balance("least-connections").kind == Balance::least_connections);
  CHECK(balance("random-two").kind == Balance::random_two);
  CHECK(balance("hash").hash_key == HashKey::client_address);
  CHECK(balance("sticky").sticky_cookie == "tidegate");
  CHECK(balance("{hash: clientAddress}").kind == Balance::hash);
  CHECK(balance("{hash: path}").hash_key == HashKey::path);
  CHECK(balance("{hash: {header: X-User}}").hash_key == HashKey::header);
  CHECK(balance("{hash: {header: X-User}}").hash_name == "X-User");
  CHECK(balance("{hash: {cookie: sid}}").hash_key == HashKey::cookie);
  const BalancePolicy sticky = balance("{sticky: {cookie: srv, secure: true}}");
  CHECK(sticky.kind == Balance::sticky);
  CHECK(sticky.sticky_cookie == "srv");
  CHECK(sticky.sticky_secure);
}

TEST_CASE("the readinessProbe block of a Deployment is taken as it is") {
  const Config config = config_of(with_upstream(R"(readinessProbe:
      failureThreshold: 3
      httpGet:
        httpHeaders:
          - name: X-Kube-Healthcheck
            value: "Yes"
        path: /ready
        port: 6001
        scheme: HTTP
        host: pod.internal
      initialDelaySeconds: 5
      periodSeconds: 2
      timeoutSeconds: 4
      successThreshold: 2)"));
  const Probe& probe = config.upstreams.at(0).probe.value();
  const auto& http_get = std::get<HttpGetAction>(probe.action);
  CHECK(http_get.port == 6001);
  CHECK(http_get.host == "pod.internal");
  CHECK(http_get.http_headers.at(0).value == "Yes");
  CHECK(probe.initial_delay == 5s);
  CHECK(probe.period == 2s);
  CHECK(probe.timeout == 4s);
  CHECK(probe.success_threshold == 2);
  CHECK(probe.failure_threshold == 3);
}

TEST_CASE("a probe by connecting") {
  const Config config = config_of(with_upstream("readinessProbe: {tcpSocket: {port: 7001}}"));
  const Probe& probe = config.upstreams.at(0).probe.value();
  CHECK(std::get<TcpSocketAction>(probe.action).port == 7001);
  CHECK(probe.period == 10s);
  CHECK(probe.timeout == 1s);
}

TEST_CASE("the rest of an upstream") {
  const Config config = config_of(with_upstream(R"(maxConnections: 100
    slowStart: 30s
    pool: { size: 8 }
    hold: { maxWait: 5s, maxWaiting: 7, releasePerSecond: 9 }
    retry: { tries: 3, total: 4s, backOff: 50ms, budgetPercent: 10, budgetMinimum: 1, on: [reset, 503], upgradesOn: [] }
    timeouts: { connect: 1s, responseHeader: 2s, responseIdle: 3s, writeStall: 4s, poolIdle: 5s, websocketIdle: 6s,
                websocketLifetime: 7s, fin: 8s }
    tcpKeepalive: { idle: 1h, interval: 2m, probes: 3 }
    drain: { window: 9s, deadline: 12s, maxPerSecond: 40 }
    closes: { draining: 4200, shutdown: { code: 4201, reason: bye } })"));
  const Upstream& upstream = config.upstreams.at(0);
  CHECK(upstream.max_connections == 100);
  CHECK(upstream.slow_start == 30s);
  CHECK(upstream.pool_size == 8);
  CHECK(upstream.hold.max_wait == 5s);
  CHECK(upstream.hold.max_waiting == 7);
  CHECK(upstream.hold.release_per_second == 9);
  CHECK(upstream.retry.tries == 3);
  CHECK(upstream.retry.total == 4s);
  CHECK(upstream.retry.back_off == 50ms);
  CHECK(upstream.retry.budget_percent == 10);
  CHECK(upstream.retry.budget_minimum == 1);
  CHECK(!upstream.retry.requests.connect);
  CHECK(upstream.retry.requests.reset);
  CHECK(upstream.retry.requests.status_503);
  CHECK(!upstream.retry.upgrades.connect);
  CHECK(upstream.timeouts.connect == 1s);
  CHECK(upstream.timeouts.response_header == 2s);
  CHECK(upstream.timeouts.response_idle == 3s);
  CHECK(upstream.timeouts.write_stall == 4s);
  CHECK(upstream.timeouts.pool_idle == 5s);
  CHECK(upstream.timeouts.websocket_idle == 6s);
  CHECK(upstream.timeouts.websocket_lifetime == 7s);
  CHECK(upstream.timeouts.fin == 8s);
  CHECK(upstream.keepalive.idle == 1h);
  CHECK(upstream.keepalive.interval == 2min);
  CHECK(upstream.keepalive.probes == 3);
  CHECK(upstream.drain.window == 9s);
  CHECK(upstream.drain.deadline == 12s);
  CHECK(upstream.drain.most_per_second == 40);
  CHECK(upstream.closes.of(CloseCause::draining).code == 4200);
  CHECK(upstream.closes.of(CloseCause::draining).reason == "endpoint is leaving");
  CHECK(upstream.closes.of(CloseCause::lost).code == 1012);
  CHECK(upstream.closes.of(CloseCause::shutdown).code == 4201);
  CHECK(upstream.closes.of(CloseCause::shutdown).reason == "bye");
}

TEST_CASE("parts are switched off by any of YAML's words for it") {
  for (const std::string word : {"off", "no", "false", "Off", "FALSE"}) {
    CAPTURE(word);
    const Config config = config_of(with_upstream("hold: " + word + "\n    retry: " + word) +
                                    "admin: " + word + "\nlog: { access: " + word + " }\n");
    CHECK(!config.upstreams.at(0).hold.enabled);
    CHECK(!config.upstreams.at(0).retry.enabled);
    CHECK(!config.admin.enabled);
    CHECK(!config.access_log.enabled);
  }
  const Config config = config_of(with_upstream("hold: on\n    retry: {}\n    slowStart: off"));
  CHECK(config.upstreams.at(0).hold.enabled);
  CHECK(config.upstreams.at(0).retry.enabled);
}

TEST_CASE("the process") {
  const Config config = config_of(std::string(shortest) + R"(
admin: { address: "[::1]:9000" }
log:
  access: { path: /var/log/a.log, format: json }
  error: { path: stdout, level: debug }
shutdown: { delay: 5s, window: 10s, deadline: 30s }
workers: 3
connectionsPerWorker: 1000
trustedProxies: [10.0.0.0/8, "::1"]
)");
  CHECK(config.admin.address.text() == "[::1]:9000");
  CHECK(config.access_log.path == "/var/log/a.log");
  CHECK(config.access_log.format == AccessFormat::json);
  CHECK(config.error_log.path == "stdout");
  CHECK(config.error_log.level == LogLevel::debug);
  CHECK(config.shutdown.delay == 5s);
  CHECK(config.shutdown.window == 10s);
  CHECK(config.shutdown.deadline == 30s);
  CHECK(config.workers == 3);
  CHECK(config.connections_per_worker == 1000);
  CHECK(config.trusted_proxies == std::vector<std::string>{"10.0.0.0/8", "::1/128"});
  CHECK(config_of(std::string(shortest) + "log: { access: stderr }\n").access_log.path == "stderr");
}

TEST_CASE("a byte order mark and CRLF are taken") {
  CHECK(config_of("\xef\xbb\xbflisteners: [\":80\"]\r\nupstreams: {a: {endpoints: [\"h:1\"]}}\r\n")
            .listeners.size() == 2);
}

TEST_CASE("a block is written once and used twice") {
  const Config config = config_of(R"(
listeners: [":80"]
routes: [{ path: /a, upstream: a }, { path: /b, upstream: b }]
upstreams:
  a: { endpoints: ["h:1"], readinessProbe: &probe { httpGet: { path: /ready } } }
  b: { endpoints: ["h:2"], readinessProbe: *probe }
)");
  CHECK(std::get<HttpGetAction>(config.upstreams.at(1).probe.value().action).path == "/ready");
}
