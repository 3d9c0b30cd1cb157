// The probes of new WebSockets, read and checked.
#include "tests/conf/reading.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::conf;
using namespace std::chrono_literals;

namespace {

std::string with_upstream(const std::string& keys) {
  return "listeners: [\":80\"]\nupstreams:\n  app:\n    endpoints: [\"10.0.0.1:6001\"]\n    " + keys + "\n";
}

}  // namespace

TEST_CASE("newSocketProbe is written as readinessProbe") {
  const auto upstream =
      config_of(with_upstream("newSocketProbe: {httpGet: {path: /accept-traffic, port: 9601}, "
                              "periodSeconds: 2, successThreshold: 3}"))
          .upstreams.at(0);
  CHECK_FALSE(upstream.probe.has_value());
  REQUIRE(upstream.new_socket_probe.has_value());
  const auto& probe = *upstream.new_socket_probe;
  const auto& http_get = std::get<HttpGetAction>(probe.action);
  CHECK(http_get.path == "/accept-traffic");
  CHECK(port_of(probe.action) == 9601);
  CHECK(probe.period == 2s);
  CHECK(probe.success_threshold == 3);
  CHECK(probe.failure_threshold == 3);
}

TEST_CASE("webSocketProbe names the handshake, with defaults for all of it") {
  SECTION("by default") {
    const auto upstream = config_of(with_upstream("webSocketProbe: {}")).upstreams.at(0);
    REQUIRE(upstream.websocket_probe.has_value());
    const auto& action = std::get<WebSocketAction>(upstream.websocket_probe->action);
    CHECK(action == WebSocketAction{});
    CHECK(action.path == "/");
    CHECK(upstream.websocket_probe->period == 10s);
    CHECK(port_of(upstream.websocket_probe->action) == 0);
  }
  SECTION("in full") {
    const auto upstream =
        config_of(with_upstream("webSocketProbe: {path: /app/key, host: ws.example.com, protocols: [a, b], "
                                "httpHeaders: [{name: Origin, value: \"https://example.com\"}], "
                                "timeoutSeconds: 4}"))
            .upstreams.at(0);
    const auto& action = std::get<WebSocketAction>(upstream.websocket_probe.value().action);
    CHECK(action.path == "/app/key");
    CHECK(action.host == "ws.example.com");
    CHECK(action.protocols == std::vector<std::string>{"a", "b"});
    CHECK(action.http_headers == std::vector<HttpHeader>{{"Origin", "https://example.com"}});
    CHECK(upstream.websocket_probe->timeout == 4s);
  }
}

TEST_CASE("faults of the probes of new WebSockets") {
  struct Row {
    const char* keys;
    const char* fault;
  };
  const Row rows[] = {
      {"newSocketProbe: {}", ".newSocketProbe: one of httpGet or tcpSocket is missing"},
      {"newSocketProbe: {httpGet: {path: ready}}", ".newSocketProbe.httpGet.path: a path begins with `/`"},
      {"readinessProbe: {httpGet: {path: /r}, periodSeconds: 1}\n    newSocketProbe: {httpGet: {path: /r}}",
       ".newSocketProbe: asks the same as `readinessProbe`"},
      {"webSocketProbe: {path: app}", ".webSocketProbe.path: a path begins with `/`, found `app`"},
      {"webSocketProbe: {httpGet: {}}", ".webSocketProbe.httpGet: unknown key `httpGet`"},
      {"webSocketProbe: {protocols: [\"a b\"]}",
       ".webSocketProbe.protocols[0]: `a b` is not the name of a subprotocol"},
      {"webSocketProbe: {httpHeaders: [{name: UPGRADE, value: x}]}",
       ".webSocketProbe.httpHeaders[0].name: `UPGRADE` is written by the probe itself"},
      {"webSocketProbe: {httpHeaders: [{name: Sec-WebSocket-Protocol, value: x}]}",
       ".webSocketProbe.httpHeaders[0].name: `Sec-WebSocket-Protocol` is written by the probe itself"},
      {"webSocketProbe: {periodSeconds: 0}", ".webSocketProbe.periodSeconds: must be from 1 to 86400"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.keys);
    const auto faults = errors_of(with_upstream(row.keys));
    CAPTURE(faults);
    CHECK(faults.find(row.fault) != std::string::npos);
    CHECK(faults.find('\n') == faults.size() - 1);
  }
  CHECK(errors_of(with_upstream("readinessProbe: {httpGet: {path: /r}}\n    newSocketProbe: {tcpSocket: {}}\n"
                                "    webSocketProbe: {httpHeaders: [{name: Origin, value: x}]}"))
            .empty());
}
