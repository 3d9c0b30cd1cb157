// Why the gateway answered for itself: the reason as one enum, from which the status, the Proxy-Status error
// token (RFC 9209 2.3), the short body and the label in metrics follow. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::gateway {

enum class FailureReason : std::uint8_t {
  none,  // nothing failed: the upstream's answer was relayed, or a configured redirect or response was given

  // What the client sent.
  bad_request,            // 400: malformed head, framing or chunk
  unauthorized,           // 401: no password, or a wrong one
  denied,                 // 403
  no_route,               // 404: no route for host and path
  method_not_allowed,     // 405
  request_timeout,        // 408: head or body not complete in time
  body_too_large,         // 413
  target_too_long,        // 414
  expectation_failed,     // 417: an Expect other than 100-continue
  misdirected,            // 421
  upgrade_required,       // 426: Sec-WebSocket-Version is not 13
  too_many_requests,      // 429 with Retry-After: over a limit of the client
  head_too_large,         // 431
  not_implemented,        // 501: an unknown transfer coding
  version_not_supported,  // 505
  client_gone,            // 499 in the log only: the client left before it was answered

  // Nowhere to send it: 503 with Retry-After.
  unresolved,            // the upstream's name has not been resolved since the start
  no_ready_endpoint,     // none is ready and the request was not held
  hold_expired,          // held, and none became ready in time
  hold_full,             // the waiting room is full
  sockets_refused,       // every ready endpoint takes no new WebSockets now, by its probes
  endpoints_full,        // every ready endpoint is at its connection limit
  too_many_connections,  // the gateway's own limit
  authentication_busy,   // too many passwords wait to be checked
  buffers_full,          // the gateway's memory for buffers is used up
  no_local_port,         // every port that a connection could come from is in use
  no_local_resources,    // the gateway lacks descriptors or memory for a connection to the endpoint
  shutting_down,

  // What happened on the way to the endpoint, or there.
  connection_refused,        // 502
  connection_timeout,        // 504
  destination_unroutable,    // 502: no route to host or network
  connection_failed,         // 502: any other failure to connect (permission)
  tls_failed,                // 502: the TLS handshake with the endpoint broke off
  tls_certificate_error,     // 502: its certificate is not valid for it
  connection_terminated,     // 502: reset or closed before the answer's head was complete
  connection_write_timeout,  // 504: the endpoint stopped reading
  response_timeout,          // 504: no complete head in time
  response_incomplete,       // 502: the body was cut
  response_idle_timeout,     // 504: the body stalled
  response_head_too_large,   // 502
  protocol_error,            // 502: the answer is not HTTP
  upgrade_failed,            // 502: the 101 does not match the handshake (RFC 6455 4.1)

  internal_error,  // 500
};
inline constexpr std::size_t failure_reasons = static_cast<std::size_t>(FailureReason::internal_error) + 1;

struct FailureDescription {
  std::string_view name;     // the enumerator: label in metrics and logs
  std::string_view error;    // RFC 9209 2.3 token; empty where the field is not sent
  int status = 0;            // HTTP status; 499 is for the log only; 0 for `none`
  std::string_view phrase;   // one short sentence for people: the body of the answer and the `details`
  bool retry_after = false;  // the answer carries Retry-After
};

// Never fails; an unknown value is described as `internal_error`.
[[nodiscard]] const FailureDescription& describe(FailureReason reason);

// Appends the value of a Proxy-Status field: `tidegate; error=TOKEN; details="..."`, with `;
// received-status=NNN` where the endpoint had answered (`received_status` not 0). Empty `details` means the
// reason's phrase. Nothing is appended for a reason without a token.
void append_proxy_status(std::string& out, FailureReason reason, std::string_view details = {},
                         int received_status = 0);

// Appends `text` as an RFC 8941 3.3.3 string, quotes included. Bytes that such a string cannot carry become
// `?`.
void append_sf_string(std::string& out, std::string_view text);

}  // namespace tidegate::gateway
