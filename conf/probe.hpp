// How an endpoint is asked whether it is well, as configured.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tidegate::conf {

// Kubernetes' HTTPGetAction: port 0 means the endpoint's own port; host empty means the endpoint's address.
struct HttpHeader {
  std::string name;
  std::string value;
  bool operator==(const HttpHeader&) const = default;
};
struct HttpGetAction {
  std::string path = "/";
  std::uint16_t port = 0;
  std::string host;
  std::optional<bool> https;  // none: as the upstream's `tls` says, unless the probe has a port of its own
  std::vector<HttpHeader> http_headers;
  bool operator==(const HttpGetAction&) const = default;
};
struct TcpSocketAction {
  std::uint16_t port = 0;
  bool operator==(const TcpSocketAction&) const = default;
};

// Opens a WebSocket as clients do, at the endpoint's own port, and wants a pong to its ping.
struct WebSocketAction {
  std::string path = "/";
  std::string host;  // empty: the endpoint's address
  std::vector<HttpHeader> http_headers;
  std::vector<std::string> protocols;  // offered, in this order
  bool operator==(const WebSocketAction&) const = default;
};

using ProbeAction = std::variant<HttpGetAction, TcpSocketAction, WebSocketAction>;

// 0: the endpoint's own.
[[nodiscard]] inline std::uint16_t port_of(const ProbeAction& action) {
  if (const auto* const http_get = std::get_if<HttpGetAction>(&action)) return http_get->port;
  const auto* const tcp_socket = std::get_if<TcpSocketAction>(&action);
  return tcp_socket != nullptr ? tcp_socket->port : std::uint16_t{0};
}

// Kubernetes' Probe with its names, meanings and defaults (core/v1 Probe).
struct Probe {
  ProbeAction action;
  std::chrono::seconds initial_delay{0};
  std::chrono::seconds period{10};
  std::chrono::seconds timeout{1};
  int success_threshold = 1;
  int failure_threshold = 3;
  bool operator==(const Probe&) const = default;
};

}  // namespace tidegate::conf
