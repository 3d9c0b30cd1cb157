#include <algorithm>
#include <array>

#include "conf/checks.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

void check_target(const std::string& path, const std::string& host, Findings& findings) {
  if (!path.starts_with('/')) findings.add("path", "a path begins with `/`, found " + quote(path));
  const bool space = path.find(' ') != std::string::npos;
  if (!is_field_value(path) || space) findings.add("path", "a path has no spaces or control characters");
  if (!is_field_value(host) || host.find(' ') != std::string::npos) {
    findings.add("host", "expected a host name or IP address, found " + quote(host));
  }
}

void check_headers(const std::vector<HttpHeader>& headers, Findings& findings) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto& header = headers[i];
    const std::string item = "httpHeaders[" + std::to_string(i) + "]";
    if (!is_token(header.name)) {
      findings.add(item + ".name", quote(header.name) + " is not the name of a header field");
    }
    if (!is_field_value(header.value))
      findings.add(item + ".value", "has a line break or another control character");
  }
}

// Fields of the handshake itself, and those that would give it a body.
bool belongs_to_handshake(std::string_view name) {
  static constexpr std::array<std::string_view, 5> own{"connection", "upgrade", "content-length",
                                                       "transfer-encoding", "expect"};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower.starts_with("sec-websocket-") || std::find(own.begin(), own.end(), lower) != own.end();
}

void check_websocket(const WebSocketAction& action, Findings& findings) {
  check_target(action.path, action.host, findings);
  check_headers(action.http_headers, findings);
  for (std::size_t i = 0; i < action.http_headers.size(); ++i) {
    const auto& name = action.http_headers[i].name;
    if (!belongs_to_handshake(name)) continue;
    findings.add("httpHeaders[" + std::to_string(i) + "].name",
                 quote(name) +
                     " is written by the probe itself: remove it, and name subprotocols in "
                     "`protocols`");
  }
  for (std::size_t i = 0; i < action.protocols.size(); ++i) {
    if (!is_token(action.protocols[i]))
      findings.add("protocols[" + std::to_string(i) + "]",
                   quote(action.protocols[i]) + " is not the name of a subprotocol (RFC 6455 4.1)");
  }
}

void check_action(const ProbeAction& action, Findings& findings) {
  if (const auto* const http_get = std::get_if<HttpGetAction>(&action)) {
    auto inner = findings.below("httpGet");
    check_target(http_get->path, http_get->host, inner);
    check_headers(http_get->http_headers, inner);
  }
  if (const auto* const websocket = std::get_if<WebSocketAction>(&action))
    check_websocket(*websocket, findings);
}

void check_probe(const Upstream& upstream, const Probe& probe, Findings findings) {
  check_action(probe.action, findings);
  findings.check_positive("periodSeconds", probe.period);
  findings.check_positive("timeoutSeconds", probe.timeout);
  if (probe.initial_delay.count() < 0) findings.add("initialDelaySeconds", "must not be negative");
  if (probe.success_threshold < 1) findings.add("successThreshold", "must be at least 1");
  if (probe.failure_threshold < 1) findings.add("failureThreshold", "must be at least 1");
  const bool any_unix = std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                    [](const Endpoint& endpoint) { return endpoint.address.is_unix(); });
  if (port_of(probe.action) != 0 && any_unix) {
    const bool http_get = std::holds_alternative<HttpGetAction>(probe.action);
    findings.add(http_get ? "httpGet.port" : "tcpSocket.port",
                 "a Unix socket has no port: remove `port`, the probe then uses the endpoint itself");
  }
}

}  // namespace

void check_probes(const Upstream& upstream, Findings& findings) {
  const auto& readiness = upstream.probe;
  const auto& new_socket = upstream.new_socket_probe;
  if (readiness) check_probe(upstream, *readiness, findings.below("readinessProbe"));
  if (new_socket) check_probe(upstream, *new_socket, findings.below("newSocketProbe"));
  if (upstream.websocket_probe)
    check_probe(upstream, *upstream.websocket_probe, findings.below("webSocketProbe"));
  if (readiness && new_socket && readiness->action == new_socket->action) {
    findings.add("newSocketProbe",
                 "asks the same as `readinessProbe`, which keeps all requests away: remove one of the two, "
                 "or give this one a path of its own");
  }
}

}  // namespace tidegate::conf
