#include "gateway/exchange/local_reply.hpp"

#include <array>

#include "gateway/exchange/variables.hpp"
#include "wire/http/head_writer.hpp"

namespace tidegate::gateway {
namespace {

void write_common(http::HeadWriter& writer, int status, std::int64_t unix_seconds) {
  std::array<char, 29> date{};
  writer.status_line(http::Version::http_1_1, status, http::reason_phrase(status));
  writer.field("Server", "tidegate");
  writer.field("Date", http::write_date(date, unix_seconds));
}

void write_connection(http::HeadWriter& writer, const Exchange& exchange, bool keep_alive) {
  if (!keep_alive) {
    writer.field("Connection", "close");
  } else if (exchange.request.version == http::Version::http_1_0) {
    writer.field("Connection", "keep-alive");
  }
}

// Fields the route's rules add to every answer of that route.
void write_rules(http::HeadWriter& writer, Exchange& exchange) {
  if (exchange.route == nullptr || exchange.route->response_rules.empty()) return;
  const Variables variables(exchange);
  for (const auto& rule : exchange.route->response_rules) {
    if (rule.operation == conf::HeaderOperation::remove) continue;
    expand_field_value(rule.value, variables, exchange.scratch);
    if (!exchange.scratch.empty()) writer.field(rule.name, exchange.scratch);
  }
}

void finish(Exchange& exchange, http::HeadWriter& writer, int status, std::string_view body) {
  const bool to_head = exchange.request.method == "HEAD";
  writer.end();
  if (!to_head) writer.raw(body);
  exchange.record.status = static_cast<std::uint16_t>(status);
  exchange.record.body_bytes = to_head ? 0 : body.size();
  exchange.out.commit(writer.text().size());
}

}  // namespace

void write_failure(Exchange& exchange, const FailureReply& reply, std::int64_t unix_seconds) {
  const auto& failure = describe(reply.reason);
  std::string body = std::to_string(failure.status);
  body.append(" ").append(http::reason_phrase(failure.status)).append(": ");
  body.append(reply.details.empty() ? failure.phrase : reply.details).append("\n");
  if (!exchange.request_id.empty()) body.append("request id: ").append(exchange.request_id).append("\n");

  exchange.out.clear();
  http::HeadWriter writer(exchange.out.room());
  write_common(writer, failure.status, unix_seconds);
  writer.field("Content-Type", "text/plain; charset=utf-8");
  writer.field("Content-Length", body.size());
  if (failure.retry_after) writer.field("Retry-After", static_cast<std::uint64_t>(reply.retry_after_seconds));
  if (reply.reason == FailureReason::upgrade_required) {
    writer.field("Sec-WebSocket-Version", "13");  // RFC 6455 4.2.2
    writer.field("Upgrade", "websocket");         // RFC 9110 15.5.22
  }
  if (reply.reason == FailureReason::method_not_allowed)
    writer.field("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
  std::string status;
  append_proxy_status(status, reply.reason, reply.details);
  if (!status.empty()) writer.field("Proxy-Status", status);
  if (reply.reason == FailureReason::upgrade_required && reply.keep_alive) {
    writer.field("Connection", "Upgrade");
  } else {
    write_connection(writer, exchange, reply.keep_alive);
  }
  finish(exchange, writer, failure.status, body);
}

void write_redirect(Exchange& exchange, int status, std::string_view location, bool keep_alive,
                    std::int64_t unix_seconds) {
  exchange.out.clear();
  const std::string target(location);  // `scratch` is used again by the rules
  http::HeadWriter writer(exchange.out.room());
  write_common(writer, status, unix_seconds);
  writer.field("Location", target);
  writer.field("Content-Length", std::uint64_t{0});
  write_connection(writer, exchange, keep_alive);
  write_rules(writer, exchange);
  finish(exchange, writer, status, {});
}

void write_fixed(Exchange& exchange, const conf::RespondAction& respond, bool keep_alive,
                 std::int64_t unix_seconds) {
  exchange.out.clear();
  const auto needed = respond.body.size() + net::BufferPool::kBlock;
  if (exchange.out.capacity() < needed) exchange.out.grow(needed);
  http::HeadWriter writer(exchange.out.room());
  write_common(writer, respond.status, unix_seconds);
  const bool has_body = respond.status != 204 && respond.status != 304 && respond.status >= 200;
  if (has_body) {
    if (!respond.body.empty()) writer.field("Content-Type", respond.content_type);
    writer.field("Content-Length", respond.body.size());
  }
  write_connection(writer, exchange, keep_alive);
  write_rules(writer, exchange);
  finish(exchange, writer, respond.status, has_body ? std::string_view(respond.body) : std::string_view());
}

}  // namespace tidegate::gateway
