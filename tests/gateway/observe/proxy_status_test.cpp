#include "gateway/observe/proxy_status.hpp"

#include <set>

#include "tests/support/catch.hpp"
#include "wire/http/head_writer.hpp"

using namespace tidegate::gateway;

namespace {

std::string field(FailureReason reason, std::string_view details = {}, int received = 0) {
  std::string out;
  append_proxy_status(out, reason, details, received);
  return out;
}

}  // namespace

TEST_CASE("each reason has its status and its RFC 9209 token") {
  struct Case {
    FailureReason reason;
    int status;
    std::string_view token;
  };
  const Case cases[] = {
      {FailureReason::bad_request, 400, "http_request_error"},
      {FailureReason::unauthorized, 401, "http_request_denied"},
      {FailureReason::denied, 403, "http_request_denied"},
      {FailureReason::no_route, 404, "destination_not_found"},
      {FailureReason::too_many_requests, 429, "http_request_denied"},
      {FailureReason::client_gone, 499, ""},
      {FailureReason::no_local_port, 503, "proxy_internal_error"},
      {FailureReason::no_ready_endpoint, 503, "destination_unavailable"},
      {FailureReason::hold_expired, 503, "destination_unavailable"},
      {FailureReason::sockets_refused, 503, "destination_unavailable"},
      {FailureReason::endpoints_full, 503, "connection_limit_reached"},
      {FailureReason::authentication_busy, 503, "proxy_internal_response"},
      {FailureReason::unresolved, 503, "dns_error"},
      {FailureReason::connection_refused, 502, "connection_refused"},
      {FailureReason::connection_timeout, 504, "connection_timeout"},
      {FailureReason::connection_terminated, 502, "connection_terminated"},
      {FailureReason::response_timeout, 504, "http_response_timeout"},
      {FailureReason::protocol_error, 502, "http_protocol_error"},
      {FailureReason::upgrade_failed, 502, "http_upgrade_failed"},
      {FailureReason::internal_error, 500, "proxy_internal_error"},
  };
  for (const auto& [reason, status, token] : cases) {
    CAPTURE(describe(reason).name);
    CHECK(describe(reason).status == status);
    CHECK(describe(reason).error == token);
  }
}

TEST_CASE("the table of reasons is complete and in order") {
  std::set<std::string_view> names;
  for (std::size_t i = 1; i < failure_reasons; ++i) {
    const auto& reason = describe(static_cast<FailureReason>(i));
    CAPTURE(i, reason.name);
    CHECK(names.insert(reason.name).second);
    CHECK_FALSE(reason.phrase.empty());
    CHECK(reason.status >= 400);
    CHECK(reason.status <= 505);
    // What may pass soon says when to come again; nothing else does.
    CHECK(reason.retry_after == (reason.status == 503 || reason.status == 429));
    if (reason.status != 499) CHECK_FALSE(tidegate::http::reason_phrase(reason.status).empty());
  }
  CHECK(describe(FailureReason::none).status == 0);
  CHECK(describe(static_cast<FailureReason>(250)).name == "internal_error");
}

TEST_CASE("the Proxy-Status value names the error and the details") {
  CHECK(field(FailureReason::connection_refused) ==
        "tidegate; error=connection_refused; details=\"The endpoint refused the connection\"");
  CHECK(field(FailureReason::upgrade_failed, "got \"503\"", 503) ==
        "tidegate; error=http_upgrade_failed; details=\"got \\\"503\\\"\"; received-status=503");
  CHECK(field(FailureReason::client_gone).empty());
  CHECK(field(FailureReason::none).empty());
}

TEST_CASE("an sf-string holds nothing that RFC 8941 3.3.3 forbids") {
  std::string out;
  append_sf_string(out, "a\\b\"c\r\nX: y\x80\x7f~ ");
  CHECK(out == "\"a\\\\b\\\"c??X: y??~ \"");
}
