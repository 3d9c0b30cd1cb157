// ClientConnection's look at a request head: whether it can be served, and where it goes.
#include "gateway/exchange/acme_challenge.hpp"
#include "gateway/exchange/client_connection.hpp"
#include "gateway/exchange/origin_check.hpp"
#include "gateway/exchange/request_writer.hpp"
#include "gateway/process/worker_view.hpp"

namespace tidegate::gateway {

FailureReason reason_of_status(int status) {
  switch (status) {
    case 405: return FailureReason::method_not_allowed;
    case 413: return FailureReason::body_too_large;
    case 414: return FailureReason::target_too_long;
    case 431: return FailureReason::head_too_large;
    case 501: return FailureReason::not_implemented;
    case 505: return FailureReason::version_not_supported;
    default: return FailureReason::bad_request;
  }
}

// A question of a certificate authority's (RFC 8555 8.3).
bool ClientConnection::is_challenge(const Exchange& exchange) const {
  return !exchange.view->config->acme_challenges.empty() && is_acme_path(exchange.path);
}

// A connection may be used for every name its certificate is for, but not past the client-certificate policy
// of another (RFC 9110 7.4).
bool ClientConnection::fits_handshake(const Exchange& exchange) const {
  const auto& server = exchange.view->tls->listeners[exchange.listener];
  return exchange.tls == nullptr || !server || server->fits(*stream_->tls(), exchange.host);
}

FailureReason ClientConnection::examine(Exchange& exchange, std::string_view& details) {
  const auto& request = exchange.request;
  const auto framing = http::request_framing(request);
  if (!framing) {
    details = http::describe(framing.error());
    return reason_of_status(http::status_of(framing.error()));
  }
  exchange.framing = *framing;
  const auto target = http::parse_target(request.method, request.target);
  if (!target) {
    details = http::describe(target.error());
    return reason_of_status(http::status_of(target.error()));
  }
  exchange.target = *target;
  // A secure URI that came in the clear was sent to the wrong place (RFC 9110 7.4).
  if (exchange.tls == nullptr && (http::equals_ignoring_case(target->scheme, "https") ||
                                  http::equals_ignoring_case(target->scheme, "wss")))
    return FailureReason::misdirected;
  exchange.authority =
      target->authority.empty() ? request.fields.find("host").value_or("") : target->authority;
  http::normalise_host(http::split_authority(exchange.authority).host, exchange.host);
  if (!fits_handshake(exchange)) {
    details = "this host asks for other client certificates than this connection was opened with";
    return FailureReason::misdirected;
  }
  if (target->form == http::TargetForm::asterisk) {
    exchange.path.assign(1, '/');  // gcc 12 warns falsely of assigning a literal here
  } else if (!http::normalise_path(target->path, exchange.path)) {
    details = "the path leaves the root, is not validly encoded or has dot segments of no certain meaning";
    return FailureReason::bad_request;
  }
  for (const auto& field : request.fields) {
    if (!http::equals_ignoring_case(field.name, "expect")) continue;
    if (!http::equals_ignoring_case(field.value, "100-continue")) return FailureReason::expectation_failed;
  }

  if (is_denied(exchange)) return FailureReason::denied;
  if (is_challenge(exchange) || settings(exchange).redirect_to_tls) return FailureReason::none;
  const auto match = exchange.view->router.match(exchange.listener, exchange.host, exchange.path);
  if (match.route == nullptr) return FailureReason::no_route;
  exchange.record.route = match.route->name;
  if (match.gave_up) {
    details = "the path is too complicated for the route's regex";
    return FailureReason::bad_request;
  }
  exchange.route = match.route;
  if (is_denied(exchange)) return FailureReason::denied;
  const auto* proxy = std::get_if<ProxyRoute>(&exchange.route->action);
  if (proxy == nullptr) return FailureReason::none;
  const auto limit = proxy->settings.body_bytes.value_or(settings(exchange).limits.body_bytes);
  if (limit != 0 && framing->kind == http::BodyKind::length && framing->length > limit) {
    return FailureReason::body_too_large;
  }
  return examine_upgrade(exchange, *proxy, details);
}

FailureReason ClientConnection::examine_upgrade(Exchange& exchange, const ProxyRoute& route,
                                                std::string_view& details) {
  const auto& policy = route.settings.upgrade;
  auto asked = http::upgrade_asked(exchange.request, exchange.framing);
  const bool is_websocket = asked != http::UpgradeAsk::none && asked != http::UpgradeAsk::other;
  if (is_websocket && !policy.websocket && !policy.any) asked = http::UpgradeAsk::none;
  if (asked == http::UpgradeAsk::other) {
    // What the route does not let through is plain HTTP: the field is stripped (RFC 9110 7.8 lets a server
    // ignore it). So is a wish that comes with a body, of which nobody could say on which side of the switch
    // it lies.
    const bool passes = passes_any_protocol(policy, exchange.request.fields);
    if (!passes || exchange.framing.kind != http::BodyKind::none) asked = http::UpgradeAsk::none;
  }
  exchange.upgrade = asked;
  exchange.record.upgrade = asked == http::UpgradeAsk::websocket;
  if (asked == http::UpgradeAsk::bad_version) return FailureReason::upgrade_required;
  if (asked == http::UpgradeAsk::websocket && route.settings.origins &&
      !allows_origin(*route.settings.origins, exchange.request.fields, exchange.authority)) {
    exchange.failure_details = origin_story(exchange.request.fields);
    exchange.record.failure_details = exchange.failure_details;
    return FailureReason::denied;
  }
  if (asked != http::UpgradeAsk::bad_websocket) return FailureReason::none;
  details = http::handshake_fault(exchange.request, exchange.framing);
  return FailureReason::bad_request;
}

}  // namespace tidegate::gateway
