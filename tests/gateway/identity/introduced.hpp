// Clients that come by a balancer which speaks the PROXY protocol.
#pragma once

#include <string>
#include <string_view>

#include "tests/gateway/exchange/setup.hpp"

namespace tidegate::test {

inline constexpr std::string_view kFromLoopback = "    proxyProtocol: { from: [127.0.0.0/8] }\n";

// A connection that begins with `header`; under TLS where the tests are run so.
inline RawClient introduced(const GatewayFixture& gateway, std::string_view header) {
  auto client = RawClient::in_clear_text(gateway.port());
  client.send(header);
  if (tls_everywhere()) client.secure(client_session());
  return client;
}

inline std::string line_of(std::string_view client) {
  return "PROXY TCP4 " + std::string(client) + " 192.0.2.1 4711 443\r\n";
}

inline std::uint64_t refusals(const GatewayFixture& gateway, gateway::ConnectionRefusal refusal) {
  return gateway.workers([refusal](const auto& counters) {
    return counters.connections_refused_by_kind[static_cast<std::size_t>(refusal)].value();
  });
}

}  // namespace tidegate::test
