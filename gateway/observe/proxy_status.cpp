#include "gateway/observe/proxy_status.hpp"

#include <array>
#include <utility>

namespace tidegate::gateway {

namespace {

// In the order of the enumerators. Tokens are those of RFC 9209 2.3; 2.3.12 http_request_error stands for
// every 4xx the gateway gives on the origin's behalf.
constexpr std::array<FailureDescription, failure_reasons> descriptions{{
    {"none", "", 0, ""},
    {"bad_request", "http_request_error", 400, "The request is malformed"},
    {"unauthorized", "http_request_denied", 401, "A name and password are required"},
    {"denied", "http_request_denied", 403, "The request is not allowed"},
    {"no_route", "destination_not_found", 404, "No route for this host and path"},
    {"method_not_allowed", "http_request_error", 405, "The method is not allowed here"},
    {"request_timeout", "http_request_error", 408, "The request did not arrive in time"},
    {"body_too_large", "http_request_error", 413, "The body is larger than allowed"},
    {"target_too_long", "http_request_error", 414, "The request target is too long"},
    {"expectation_failed", "http_request_error", 417, "The expectation is not supported"},
    {"misdirected", "http_request_error", 421, "This host is not served here"},
    {"upgrade_required", "http_request_error", 426, "WebSocket version 13 is required"},
    {"too_many_requests", "http_request_denied", 429, "Too many requests from this client", true},
    {"head_too_large", "http_request_error", 431, "The header fields are larger than allowed"},
    {"not_implemented", "http_request_error", 501, "The request asks for something not supported"},
    {"version_not_supported", "http_request_error", 505, "The HTTP version is not supported"},
    {"client_gone", "", 499, "The client left before it was answered"},
    {"unresolved", "dns_error", 503, "The upstream's name could not be resolved yet", true},
    {"no_ready_endpoint", "destination_unavailable", 503, "No endpoint is ready", true},
    {"hold_expired", "destination_unavailable", 503, "No endpoint became ready in time", true},
    {"hold_full", "destination_unavailable", 503, "No endpoint is ready and too many requests wait", true},
    {"sockets_refused", "destination_unavailable", 503, "No endpoint takes new WebSockets now", true},
    {"endpoints_full", "connection_limit_reached", 503, "Every endpoint is at its connection limit", true},
    {"too_many_connections", "connection_limit_reached", 503, "Too many connections", true},
    {"authentication_busy", "proxy_internal_response", 503, "Too many passwords wait to be checked", true},
    {"buffers_full", "proxy_internal_response", 503, "The gateway is short of memory", true},
    {"no_local_port", "proxy_internal_error", 503, "The gateway has no port left to connect from", true},
    {"no_local_resources", "proxy_internal_error", 503, "The gateway cannot open another connection", true},
    {"shutting_down", "proxy_internal_response", 503, "The gateway is shutting down", true},
    {"connection_refused", "connection_refused", 502, "The endpoint refused the connection"},
    {"connection_timeout", "connection_timeout", 504, "The endpoint did not accept the connection in time"},
    {"destination_unroutable", "destination_ip_unroutable", 502, "There is no route to the endpoint"},
    {"connection_failed", "proxy_internal_error", 502, "No connection to the endpoint could be made"},
    {"tls_failed", "tls_protocol_error", 502, "No TLS connection to the endpoint could be made"},
    {"tls_certificate_error", "tls_certificate_error", 502,
     "The endpoint's certificate is not to be trusted"},
    {"connection_terminated", "connection_terminated", 502,
     "The endpoint closed the connection without an answer"},
    {"connection_write_timeout", "connection_write_timeout", 504, "The endpoint stopped reading the request"},
    {"response_timeout", "http_response_timeout", 504, "The endpoint did not answer in time"},
    {"response_incomplete", "http_response_incomplete", 502, "The endpoint's answer was cut"},
    {"response_idle_timeout", "connection_read_timeout", 504, "The endpoint's answer stalled"},
    {"response_head_too_large", "http_response_header_section_size", 502,
     "The answer's header fields are too large"},
    {"protocol_error", "http_protocol_error", 502, "The endpoint's answer is not valid HTTP"},
    {"upgrade_failed", "http_upgrade_failed", 502, "The endpoint did not complete the upgrade"},
    {"internal_error", "proxy_internal_error", 500, "The gateway failed"},
}};

}  // namespace

const FailureDescription& describe(FailureReason reason) {
  const auto index = static_cast<std::size_t>(reason);
  return index < descriptions.size() ? descriptions[index] : descriptions.back();
}

void append_proxy_status(std::string& out, FailureReason reason, std::string_view details,
                         int received_status) {
  const auto& description = describe(reason);
  if (description.error.empty()) return;
  out += "tidegate; error=";
  out += description.error;
  out += "; details=";
  append_sf_string(out, details.empty() ? description.phrase : details);
  if (received_status == 0) return;
  out += "; received-status=";
  out += std::to_string(received_status);
}

void append_sf_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) {  // char may be signed: bytes above 0x7f are below 0x20 then
      out += '?';
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace tidegate::gateway
