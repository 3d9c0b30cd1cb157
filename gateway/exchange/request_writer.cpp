#include "gateway/exchange/request_writer.hpp"

#include <algorithm>
#include <array>

#include "gateway/exchange/variables.hpp"
#include "wire/http/head_writer.hpp"
#include "wire/http/hop_by_hop.hpp"

namespace tidegate::gateway {
namespace {

using http::equals_ignoring_case;

// Fields that are written anew and therefore never copied.
bool is_rewritten(std::string_view name) {
  constexpr std::array<std::string_view, 7> names{"host",      "content-length",    "x-forwarded-for",
                                                  "x-real-ip", "x-forwarded-proto", "x-forwarded-host",
                                                  "forwarded"};
  return std::any_of(names.begin(), names.end(),
                     [&](auto known) { return equals_ignoring_case(name, known); });
}

bool is_ruled(const std::vector<FieldRule>& rules, std::string_view name) {
  return std::any_of(rules.begin(), rules.end(), [&](const FieldRule& rule) {
    return rule.operation != conf::HeaderOperation::add && equals_ignoring_case(rule.name, name);
  });
}

// Joins a replacement and the rest of the path with exactly one slash between them.
void append_rewritten(std::string& line, std::string_view replacement, std::string_view rest) {
  if (!replacement.starts_with('/')) line.push_back('/');
  line.append(replacement);
  if (rest.empty()) return;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  if (!line.ends_with('/')) line.push_back('/');
  line.append(rest);
}

bool allows(const conf::UpgradePolicy& policy, std::string_view protocol) {
  return policy.any || std::any_of(policy.others.begin(), policy.others.end(),
                                   [&](const auto& named) { return equals_ignoring_case(named, protocol); });
}

class RequestWriter {
 public:
  RequestWriter(Exchange& exchange, const ProxyRoute& route, const upstream::Endpoint& endpoint)
      : exchange_(exchange),
        route_(route),
        endpoint_(endpoint),
        variables_(exchange),
        writer_(exchange.out.room()) {}

  bool write() {
    write_request_line();
    write_host();
    write_connection();
    copy_fields();
    write_framing();
    write_client();
    write_rules();
    writer_.end();
    if (writer_.overflowed()) return false;
    exchange_.out.commit(writer_.text().size());
    return true;
  }

 private:
  void write_request_line() {
    const auto& target = exchange_.target;
    const auto& prefix = route_.settings.replace_prefix;
    if (target.form == http::TargetForm::asterisk) return writer_.request_line(exchange_.request.method, "*");
    auto& line = exchange_.scratch;
    line.clear();
    const auto& matched = exchange_.route->path;
    if (prefix && matched.kind != conf::PathKind::regex && has_path_prefix(target.path, matched.value)) {
      append_rewritten(line, *prefix, target.path.substr(matched.value.size()));
    } else {
      line.append(target.path);
    }
    if (target.has_query) line.append("?").append(target.query);
    writer_.request_line(exchange_.request.method, line);
  }

  void write_host() {
    switch (route_.settings.host) {
      case conf::HostPolicy::preserve: return writer_.field("Host", exchange_.authority);
      case conf::HostPolicy::upstream:
        return writer_.field("Host", endpoint_.address().is_unix()
                                         ? std::string_view("localhost")
                                         : std::string_view(endpoint_.address_text()));
      case conf::HostPolicy::replace:
        expand_field_value(route_.host_value, variables_, exchange_.scratch);
        return writer_.field("Host", exchange_.scratch);
    }
  }

  void write_connection() {
    const auto& fields = exchange_.request.fields;
    // Only what is meant is named: a second protocol in the client's list (h2c) must not reach the pod.
    if (exchange_.upgrade == http::UpgradeAsk::websocket) {
      writer_.field("Connection", "Upgrade");
      writer_.field("Upgrade", "websocket");
    } else if (exchange_.upgrade == http::UpgradeAsk::other) {
      writer_.field("Connection", "Upgrade");
      write_allowed_protocols();
    } else if (http::accepts_trailers(fields)) {
      writer_.field("Connection", "TE");
      writer_.field("TE", "trailers");
    }
  }

  void write_allowed_protocols() {
    const auto& policy = route_.settings.upgrade;
    bool first = true;
    writer_.begin_field("Upgrade");
    for (const auto& field : exchange_.request.fields) {
      if (!equals_ignoring_case(field.name, "upgrade")) continue;
      http::for_each_member(field.value, [&](std::string_view protocol) {
        if (!allows(policy, protocol)) return true;
        if (!first) writer_.append(", ");
        first = false;
        writer_.append(protocol);
        return true;
      });
    }
    writer_.end_field();
  }

  void copy_fields() {
    const http::HopByHop hop(exchange_.request.fields);
    for (const auto& field : exchange_.request.fields) {
      if (hop.ends_here(field.name) || is_rewritten(field.name) || is_ruled(route_.request_rules, field.name))
        continue;
      writer_.field(field.name, field.value);
    }
  }

  // The body is framed anew (RFC 9112 6): its length as parsed, or chunked.
  void write_framing() {
    const auto& framing = exchange_.framing;
    if (framing.kind == http::BodyKind::chunked) {
      writer_.field("Transfer-Encoding", "chunked");
    } else if (framing.kind == http::BodyKind::length) {
      writer_.field("Content-Length", framing.length);
    }
  }

  void copy(std::string_view name) {
    for (const auto& field : exchange_.request.fields) {
      if (equals_ignoring_case(field.name, name)) writer_.field(name, field.value);
    }
  }

  void write_unless_ruled(std::string_view name, std::string_view value) {
    if (!is_ruled(route_.request_rules, name)) writer_.field(name, value);
  }

  // Who the client is. What a peer that is not trusted says of itself is replaced (RFC 7239 8.1).
  void write_client() {
    const auto& fields = exchange_.request.fields;
    const auto client = exchange_.record.client_address;
    const bool trusted = exchange_.view->trusted.contains(client);
    if (trusted) copy("Forwarded");
    write_unless_ruled("X-Forwarded-For",
                       trusted ? variables_.variable(conf::Variable::proxy_add_x_forwarded_for, {}) : client);
    const auto said = [&](std::string_view name, std::string_view otherwise) {
      const auto value = fields.find(name);
      write_unless_ruled(name, trusted && value ? *value : otherwise);
    };
    said("X-Forwarded-Proto", "http");
    said("X-Forwarded-Host", exchange_.authority);
    said("X-Real-IP", client);
  }

  void write_rules() {
    for (const auto& rule : route_.request_rules) {
      if (rule.operation == conf::HeaderOperation::remove) continue;
      expand_field_value(rule.value, variables_, exchange_.scratch);
      // As in nginx, a value that comes out empty sends no field.
      if (!exchange_.scratch.empty()) writer_.field(rule.name, exchange_.scratch);
    }
  }

  Exchange& exchange_;
  const ProxyRoute& route_;
  const upstream::Endpoint& endpoint_;
  const Variables variables_;
  http::HeadWriter writer_;
};

}  // namespace

bool write_request(Exchange& exchange, const ProxyRoute& route, const upstream::Endpoint& endpoint) {
  for (;;) {
    exchange.out.clear();
    if (RequestWriter(exchange, route, endpoint).write()) return true;
    constexpr std::size_t kLargest =
        1024 * 1024;  // a head of the largest size allowed, and its rules, fit by far
    if (exchange.out.capacity() >= kLargest) return false;
    exchange.out.grow(exchange.out.capacity() * 4);
  }
}

}  // namespace tidegate::gateway
