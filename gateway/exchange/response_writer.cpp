#include "gateway/exchange/response_writer.hpp"

#include "gateway/exchange/field_rules.hpp"
#include "gateway/exchange/growing_head.hpp"
#include "wire/http/head_writer.hpp"
#include "wire/http/hop_by_hop.hpp"

namespace tidegate::gateway {
namespace {

using http::equals_ignoring_case;

// Of the fields that say where a body ends, and what a careless reader takes for one (`Transfer_Encoding`).
bool is_framing(std::string_view name) {
  return http::equals_as_variable(name, "content-length") ||
         http::equals_as_variable(name, "transfer-encoding");
}

void copy_fields(http::HeadWriter& writer, const Exchange& exchange, bool keep_length) {
  const http::HopByHop hop(exchange.response.fields);
  const auto& rules = exchange.route->response_rules;
  for (const auto& field : exchange.response.fields) {
    if (hop.ends_here(field.name) || is_ruled(rules, field.name)) continue;
    const bool kept = keep_length && equals_ignoring_case(field.name, "content-length");
    if (is_framing(field.name) && !kept) continue;
    writer.field(field.name, field.value);
  }
}

}  // namespace

ClientFraming client_framing(const Exchange& exchange, bool keep_alive) {
  const auto kind = exchange.response_framing.kind;
  if (kind == http::BodyKind::none || kind == http::BodyKind::length) return {kind, keep_alive};
  if (exchange.request.version == http::Version::http_1_1) return {http::BodyKind::chunked, keep_alive};
  return {http::BodyKind::until_close, false};
}

bool write_response(Exchange& exchange, const ClientFraming& framing, std::string_view extra_cookie) {
  const auto& response = exchange.response;
  const auto& upstream_framing = exchange.response_framing;
  return write_growing(exchange, [&](http::HeadWriter& writer) {
    writer.status_line(http::Version::http_1_1, response.status, response.reason);
    // A Content-Length of an answer without a body (HEAD, 304) speaks of the representation and stays. One
    // beside a body is written from the parsed value. A list of equal values is not passed on as one.
    const bool describes = upstream_framing.kind == http::BodyKind::none && response.status != 204 &&
                           !upstream_framing.drop_content_length &&
                           response.fields.count("content-length") == 1 &&
                           response.fields.find("content-length")->find(',') == std::string_view::npos;
    copy_fields(writer, exchange, describes);
    if (framing.kind == http::BodyKind::length) writer.field("Content-Length", upstream_framing.length);
    if (framing.kind == http::BodyKind::chunked) writer.field("Transfer-Encoding", "chunked");
    if (!framing.keep_alive) {
      writer.field("Connection", "close");
    } else if (exchange.request.version == http::Version::http_1_0) {
      writer.field("Connection", "keep-alive");
    }
    if (!extra_cookie.empty()) writer.field("Set-Cookie", extra_cookie);
    if (!response.fields.find("strict-transport-security"))
      write_hsts(writer, exchange, exchange.route->response_rules);
    write_rules(writer, exchange, exchange.route->response_rules);
    writer.end();
  });
}

bool write_interim(Exchange& exchange) {
  return write_growing(exchange, [&](http::HeadWriter& writer) {
    writer.status_line(http::Version::http_1_1, exchange.response.status, exchange.response.reason);
    const http::HopByHop hop(exchange.response.fields);
    for (const auto& field : exchange.response.fields) {
      if (!hop.ends_here(field.name) && !is_framing(field.name)) {
        writer.field(field.name, field.value);
      }
    }
    writer.end();
  });
}

bool write_switch(Exchange& exchange, std::string_view extra_cookie) {
  return write_growing(exchange, [&](http::HeadWriter& writer) {
    writer.status_line(http::Version::http_1_1, 101, "Switching Protocols");
    for (const auto& field : exchange.response.fields) {
      if (equals_ignoring_case(field.name, "upgrade")) writer.field("Upgrade", field.value);
    }
    writer.field("Connection", "Upgrade");
    copy_fields(writer, exchange, false);
    if (!extra_cookie.empty()) writer.field("Set-Cookie", extra_cookie);
    write_rules(writer, exchange, exchange.route->response_rules);
    writer.end();
  });
}

}  // namespace tidegate::gateway
