#include "gateway/exchange/local_reply.hpp"

#include <array>
#include <cassert>

#include "gateway/exchange/growing_head.hpp"
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

// Writes a whole answer: `fields(writer)` adds what is its own between the common fields and the blank line.
template <class Fields>
void write_answer(Exchange& exchange, int status, std::string_view body, std::int64_t unix_seconds,
                  Fields&& fields) {
  const bool to_head = exchange.request.method == "HEAD";
  // Heads are bounded by the limits of what they are made from, bodies by the configuration file.
  constexpr std::size_t largest = 64 * 1024 * 1024;
  const bool fits = write_growing(
      exchange,
      [&](http::HeadWriter& writer) {
        write_common(writer, status, unix_seconds);
        fields(writer);
        writer.end();
        if (!to_head) writer.raw(body);
      },
      largest);
  assert(fits);
  static_cast<void>(fits);
  exchange.record.status = static_cast<std::uint16_t>(status);
  exchange.record.body_bytes = to_head ? 0 : body.size();
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
  write_answer(exchange, failure.status, body, unix_seconds, [&](http::HeadWriter& writer) {
    writer.field("Content-Type", "text/plain; charset=utf-8");
    writer.field("Content-Length", body.size());
    if (failure.retry_after)
      writer.field("Retry-After", static_cast<std::uint64_t>(reply.retry_after_seconds));
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

void write_redirect(Exchange& exchange, int status, std::string_view location, bool keep_alive,
                    std::int64_t unix_seconds) {
  const std::string target(location);  // `scratch` is used again by the rules
  write_answer(exchange, status, {}, unix_seconds, [&](http::HeadWriter& writer) {
    writer.field("Location", target);
    writer.field("Content-Length", std::uint64_t{0});
    write_connection(writer, exchange, keep_alive);
    write_rules(writer, exchange);
  });
}

void write_fixed(Exchange& exchange, const conf::RespondAction& respond, bool keep_alive,
                 std::int64_t unix_seconds) {
  const bool has_body = respond.status != 204 && respond.status != 304 && respond.status >= 200;
  const auto body = has_body ? std::string_view(respond.body) : std::string_view();
  write_answer(exchange, respond.status, body, unix_seconds, [&](http::HeadWriter& writer) {
    if (has_body) {
      if (!body.empty()) writer.field("Content-Type", respond.content_type);
      writer.field("Content-Length", body.size());
    }
    write_connection(writer, exchange, keep_alive);
    write_rules(writer, exchange);
  });
}

}  // namespace tidegate::gateway
