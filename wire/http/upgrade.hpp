// The WebSocket opening handshake, judged from both sides (RFC 6455 4.1, 4.2; RFC 9110 7.8).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "wire/http/framing.hpp"
#include "wire/http/head.hpp"

namespace tidegate::http {

// What a request asks of its connection.
enum class UpgradeAsk : std::uint8_t {
  none,           // no Upgrade, one without the `upgrade` connection option, or HTTP/1.0: plain HTTP
  websocket,      // a valid handshake
  other,          // another protocol (h2c, TLS, ...): stripped unless the route passes it
  bad_websocket,  // asks for websocket, but the handshake is invalid: 400
  bad_version,    // Sec-WebSocket-Version is not 13: 426 with `Sec-WebSocket-Version: 13`
};

[[nodiscard]] UpgradeAsk upgrade_asked(const RequestHead& head, const Framing& framing);

// Why a websocket handshake is invalid, as a phrase; empty if it is valid. A wrong version is not judged
// here.
[[nodiscard]] std::string_view handshake_fault(const RequestHead& head, const Framing& framing);

// base64(SHA-1(key + GUID)), 28 characters (RFC 6455 4.2.2).
[[nodiscard]] std::array<char, 28> accept_of(std::string_view key);

// What was wrong with a 101 to a WebSocket handshake.
enum class SwitchFault : std::uint8_t {
  none,
  bad_upgrade,     // Upgrade is not exactly `websocket`
  bad_connection,  // Connection lacks `upgrade`
  bad_accept,      // Sec-WebSocket-Accept missing, repeated or wrong
  bad_protocol,    // a subprotocol that was not offered
  bad_extension,   // an extension that was not among the first 64 offered, or more than 16 of them
  has_body,        // Content-Length or Transfer-Encoding in the 101
};
[[nodiscard]] std::string_view describe(SwitchFault fault);

[[nodiscard]] SwitchFault check_switch(const RequestHead& request, const ResponseHead& response);

}  // namespace tidegate::http
