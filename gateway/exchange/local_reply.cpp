#include "gateway/exchange/local_reply.hpp"

#include <array>
#include <cassert>

#include "gateway/exchange/field_rules.hpp"
#include "gateway/exchange/growing_head.hpp"
#include "wire/http/head_writer.hpp"
#include "wire/http/upgrade.hpp"
#include "wire/websocket/control_frame.hpp"

namespace tidegate::gateway {
namespace {

void write_connection(http::HeadWriter& writer, const Exchange& exchange, bool keep_alive) {
  if (!keep_alive) {
    writer.field("Connection", "close");
  } else if (exchange.request.version == http::Version::http_1_0) {
    writer.field("Connection", "keep-alive");
  }
}

const std::vector<FieldRule> kNoRules;

struct LocalAnswer {
  int status = 0;
  std::string_view body;
  const std::vector<FieldRule>& rules = kNoRules;  // of the route; a failure is the gateway's own
};

// Writes a whole answer: `fields(writer)` adds what is its own between the common fields and the blank line.
template <class Fields>
void write_answer(Exchange& exchange, const LocalAnswer& answer, std::int64_t unix_seconds, Fields&& fields) {
  const bool to_head = exchange.request.method == "HEAD";
  // Heads are bounded by the limits of what they are made from, bodies by the configuration file.
  constexpr std::size_t largest = 64 * 1024 * 1024;
  std::array<char, 29> date{};
  const bool fits = write_growing(
      exchange,
      [&](http::HeadWriter& writer) {
        writer.status_line(http::Version::http_1_1, answer.status, http::reason_phrase(answer.status));
        if (!is_ruled(answer.rules, "Server")) writer.field("Server", "tidegate");
        if (!is_ruled(answer.rules, "Date")) writer.field("Date", http::write_date(date, unix_seconds));
        fields(writer);
        write_hsts(writer, exchange, answer.rules);
        write_rules(writer, exchange, answer.rules);
        writer.end();
        if (!to_head) writer.raw(answer.body);
      },
      largest);
  assert(fits);
  static_cast<void>(fits);
  exchange.record.status = static_cast<std::uint16_t>(answer.status);
  exchange.record.body_bytes = to_head ? 0 : answer.body.size();
}

}  // namespace

void write_failure(Exchange& exchange, const FailureReply& reply, std::int64_t unix_seconds) {
  const auto& failure = describe(reply.reason);
  std::string body = std::to_string(failure.status);
  body.append(" ").append(http::reason_phrase(failure.status)).append(": ");
  body.append(reply.details.empty() ? failure.phrase : reply.details).append("\n");
  if (!exchange.request_id.empty()) body.append("request id: ").append(exchange.request_id).append("\n");

  std::string proxy_status;
  append_proxy_status(proxy_status, reply.reason, reply.details);
  write_answer(exchange, {failure.status, body}, unix_seconds, [&](http::HeadWriter& writer) {
    writer.field("Content-Type", "text/plain; charset=utf-8");
    writer.field("Content-Length", body.size());
    if (failure.retry_after)
      writer.field("Retry-After", static_cast<std::uint64_t>(reply.retry_after_seconds));
    if (reply.reason == FailureReason::unauthorized && exchange.route != nullptr)
      writer.field("WWW-Authenticate", exchange.route->challenge);  // RFC 9110 15.5.2
    const bool upgrade = reply.reason == FailureReason::upgrade_required;
    if (upgrade) {
      writer.field("Sec-WebSocket-Version", "13");  // RFC 6455 4.2.2
      writer.field("Upgrade", "websocket");         // RFC 9110 15.5.22
    }
    if (reply.reason == FailureReason::method_not_allowed)
      writer.field("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    if (!proxy_status.empty()) writer.field("Proxy-Status", proxy_status);
    if (upgrade && reply.keep_alive) {
      writer.field("Connection", "Upgrade");
    } else {
      write_connection(writer, exchange, reply.keep_alive);
    }
  });
}

void write_turn_away(Exchange& exchange, const conf::CloseWords& words) {
  const auto& fields = exchange.request.fields;
  const auto accept = http::accept_of(fields.find("sec-websocket-key").value_or(""));
  // Browsers take no 101 that leaves their subprotocols without an answer.
  const auto offered = fields.find("sec-websocket-protocol").value_or("");
  const auto protocol = http::trim(offered.substr(0, offered.find(',')));
  const auto close = websocket::make_close(websocket::Sender::server, words.code, words.reason);
  const bool fits = write_growing(exchange, [&](http::HeadWriter& writer) {
    writer.status_line(http::Version::http_1_1, 101, "Switching Protocols");
    writer.field("Upgrade", "websocket");
    writer.field("Connection", "Upgrade");
    writer.field("Sec-WebSocket-Accept", std::string_view(accept.data(), accept.size()));
    if (!protocol.empty()) writer.field("Sec-WebSocket-Protocol", protocol);
    writer.end();
    writer.raw(close.view());
  });
  assert(fits);
  static_cast<void>(fits);
  exchange.record.status = 101;
}

void write_redirect(Exchange& exchange, int status, std::string_view location, bool keep_alive,
                    std::int64_t unix_seconds) {
  const std::string target(location);  // `scratch` is used again by the rules
  const auto& rules = exchange.route != nullptr ? exchange.route->response_rules : kNoRules;
  write_answer(exchange, {status, {}, rules}, unix_seconds, [&](http::HeadWriter& writer) {
    writer.field("Location", target);
    writer.field("Content-Length", std::uint64_t{0});
    write_connection(writer, exchange, keep_alive);
  });
}

void write_fixed(Exchange& exchange, const conf::RespondAction& respond, bool keep_alive,
                 std::int64_t unix_seconds) {
  const bool has_body = respond.status != 204 && respond.status != 304 && respond.status >= 200;
  const auto body = has_body ? std::string_view(respond.body) : std::string_view();
  const auto& rules = exchange.route != nullptr ? exchange.route->response_rules : kNoRules;
  write_answer(exchange, {respond.status, body, rules}, unix_seconds, [&](http::HeadWriter& writer) {
    if (has_body) {
      if (!body.empty() && !is_ruled(rules, "Content-Type"))
        writer.field("Content-Type", respond.content_type);
      writer.field("Content-Length", body.size());
    }
    write_connection(writer, exchange, keep_alive);
  });
}

}  // namespace tidegate::gateway
