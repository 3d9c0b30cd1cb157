#include "gateway/exchange/request_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/exchange/field_rules.hpp"
#include "gateway/exchange/growing_head.hpp"
#include "gateway/exchange/variables.hpp"
#include "wire/http/head_writer.hpp"
#include "wire/http/hop_by_hop.hpp"

namespace tidegate::gateway {
namespace {

using http::equals_ignoring_case;

// Fields that are written anew and therefore never copied, nor is what an application may take for one.
bool is_rewritten(std::string_view name) {
  constexpr std::array<std::string_view, 11> names{
      "host",      "content-length",    "transfer-encoding", "x-forwarded-for",
      "x-real-ip", "x-forwarded-proto", "x-forwarded-host",  "x-forwarded-port",
      "forwarded", "client-cert",       "client-cert-chain"};
  return std::any_of(names.begin(), names.end(),
                     [&](auto known) { return http::equals_as_variable(name, known); });
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

// A segment that is `.` or `..`, percent-encoded or not (RFC 3986 5.2.4, 6.2.2.2).
bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    int dots = 0;
    for (; !segment.empty() && dots < 3; ++dots) {
      if (segment.front() == '.') {
        segment.remove_prefix(1);
      } else if (segment.size() >= 3 && equals_ignoring_case(segment.substr(0, 3), "%2e")) {
        segment.remove_prefix(3);
      } else {
        break;
      }
    }
    if (segment.empty() && (dots == 1 || dots == 2)) return true;
  }
  return false;
}

// Percent-encodes what may not stand in a path (RFC 3986 3.3).
void append_encoded(std::string& out, std::string_view path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view allowed = "-._~!$&'()*+,;=:@/";
  for (const char c : path) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || allowed.find(c) != std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
}

bool is_scheme(std::string_view text) {
  return equals_ignoring_case(text, "http") || equals_ignoring_case(text, "https") ||
         equals_ignoring_case(text, "ws") || equals_ignoring_case(text, "wss");
}

bool is_port(std::string_view text) {
  std::uint16_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && number != 0;
}

// Some balancers name a WebSocket's scheme; applications expect that of the handshake.
std::string_view http_scheme(std::string_view scheme) {
  if (equals_ignoring_case(scheme, "wss")) return "https";
  return equals_ignoring_case(scheme, "ws") ? "http" : scheme;
}

class RequestWriter {
 public:
  RequestWriter(Exchange& exchange, const ProxyRoute& route, const upstream::Endpoint& endpoint,
                http::HeadWriter& writer)
      : exchange_(exchange), route_(route), endpoint_(endpoint), variables_(exchange), writer_(writer) {}

  void write() {
    write_request_line();
    write_host();
    write_connection();
    copy_fields();
    write_framing();
    write_client();
    write_rules(writer_, exchange_, route_.request_rules);
    writer_.end();
  }

 private:
  void write_request_line() {
    const auto& target = exchange_.target;
    const auto& prefix = route_.settings.replace_prefix;
    if (target.form == http::TargetForm::asterisk) return writer_.request_line(exchange_.request.method, "*");
    auto& line = exchange_.scratch;
    line.clear();
    const auto& matched = exchange_.route->path;
    if (!prefix || matched.kind == conf::PathKind::regex) {
      line.append(target.path);
    } else if (has_path_prefix(target.path, matched.value) && !has_dot_segment(target.path)) {
      append_rewritten(line, *prefix, target.path.substr(matched.value.size()));
    } else {
      // The route was chosen by the decoded path without dot segments; what is sent on must not say another.
      std::string rest;
      append_encoded(rest, std::string_view(exchange_.path).substr(matched.value.size()));
      append_rewritten(line, *prefix, rest);
    }
    if (target.has_query) line.append("?").append(target.query);
    writer_.request_line(exchange_.request.method, line);
  }

  void write_host() {
    const auto own = endpoint_.address().is_unix() ? std::string_view("localhost")
                                                   : std::string_view(endpoint_.address_text());
    switch (route_.settings.host) {
      // HTTP/1.0 may come without one; an empty Host would be refused by most.
      case conf::HostPolicy::preserve:
        return writer_.field("Host", exchange_.authority.empty() ? own : exchange_.authority);
      case conf::HostPolicy::upstream: return writer_.field("Host", own);
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
        if (!passes_protocol(policy, protocol)) return true;
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
      if (hop.ends_here(field.name) || is_rewritten(field.name)) continue;
      if (imitates_ruled(route_.request_rules, field.name)) continue;
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

  // The last member of the last field of this name; empty if there is none.
  [[nodiscard]] std::string_view last_word(std::string_view name) const {
    std::string_view list;
    for (const auto& field : exchange_.request.fields) {
      if (equals_ignoring_case(field.name, name)) list = field.value;
    }
    const auto comma = list.rfind(',');
    return http::trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
  }

  void write_unless_ruled(std::string_view name, std::string_view value) {
    if (!value.empty() && !is_ruled(route_.request_rules, name)) writer_.field(name, value);
  }

  void write_client() {
    if (!exchange_.peer_trusted) {
      write_own_word();
    } else if (exchange_.view->config->client_address == conf::ClientAddressFrom::forwarded) {
      write_forwarded_word();
    } else {
      write_word_of_proxy();
    }
    write_client_certificate();
  }

  // RFC 9440 4: what came under these names is removed, from a trusted proxy too: many let the client write
  // them. Only what the gateway has seen itself is said.
  void write_client_certificate() { write_unless_ruled("Client-Cert", exchange_.client_certificate); }

  // What is said of the client in the chain of a trusted proxy goes on with the peer's address. Of the fields
  // that name the client only X-Forwarded-For is believed: a proxy that appends to it may well pass the
  // client's own X-Real-IP and Forwarded on as they came. What it says of scheme, host and port it has set,
  // or else appended to what the client says.
  void write_word_of_proxy() {
    const auto proto = last_word("X-Forwarded-Proto");
    const auto host = last_word("X-Forwarded-Host");
    const auto port = last_word("X-Forwarded-Port");
    write_unless_ruled("X-Forwarded-For", variables_.variable(conf::Variable::proxy_add_x_forwarded_for, {}));
    write_unless_ruled("X-Forwarded-Proto", is_scheme(proto) ? http_scheme(proto) : scheme());
    write_unless_ruled("X-Forwarded-Host", http::is_valid_authority(host) ? host : exchange_.authority);
    write_unless_ruled("X-Real-IP", exchange_.record.client_address);
    if (is_port(port)) write_unless_ruled("X-Forwarded-Port", port);
  }

  // What a peer that is not trusted says of itself is replaced (RFC 7239 8.1).
  void write_own_word() {
    write_unless_ruled("X-Forwarded-For", exchange_.record.client_address);
    write_unless_ruled("X-Forwarded-Proto", scheme());
    write_unless_ruled("X-Forwarded-Host", exchange_.authority);
    write_unless_ruled("X-Real-IP", exchange_.record.client_address);
  }

  // Where Forwarded is believed the peer need not look after the other fields, and they say what it says.
  void write_forwarded_word() {
    const auto& said = exchange_.forwarded;
    if (!is_ruled(route_.request_rules, "Forwarded")) {
      copy("Forwarded");
      const auto peer = exchange_.peer_address;
      const bool v6 = peer != "unix:" && peer.find(':') != std::string_view::npos;
      writer_.begin_field("Forwarded");
      writer_.append(v6 ? "for=\"[" : "for=");
      writer_.append(peer == "unix:" ? "unknown" : peer);
      if (v6) writer_.append("]\"");
      writer_.append(exchange_.tls != nullptr ? ";proto=https" : ";proto=http");
      writer_.end_field();
    }
    write_unless_ruled("X-Forwarded-For", exchange_.record.client_address);
    write_unless_ruled("X-Forwarded-Proto", is_scheme(said.proto) ? http_scheme(said.proto) : scheme());
    write_unless_ruled("X-Forwarded-Host", said.host.empty() ? exchange_.authority : said.host);
    write_unless_ruled("X-Real-IP", exchange_.record.client_address);
  }

  [[nodiscard]] std::string_view scheme() const { return exchange_.tls != nullptr ? "https" : "http"; }

  Exchange& exchange_;
  const ProxyRoute& route_;
  const upstream::Endpoint& endpoint_;
  const Variables variables_;
  http::HeadWriter& writer_;
};

}  // namespace

bool passes_protocol(const conf::UpgradePolicy& policy, std::string_view protocol) {
  const auto name = protocol.substr(0, protocol.find('/'));
  const bool well_formed = http::is_token(name) && (name.size() == protocol.size() ||
                                                    http::is_token(protocol.substr(name.size() + 1)));
  if (!well_formed) return false;  // a quoted `h2c` is one to some readers
  for (const std::string_view refused : {"h2c", "h2", "h3", "tls", "http"}) {
    if (equals_ignoring_case(name, refused)) return false;
  }
  return policy.any || std::any_of(policy.others.begin(), policy.others.end(),
                                   [&](const auto& named) { return equals_ignoring_case(named, protocol); });
}

bool passes_any_protocol(const conf::UpgradePolicy& policy, const http::Fields& fields) {
  bool passes = false;
  for (const auto& field : fields) {
    if (!equals_ignoring_case(field.name, "upgrade")) continue;
    http::for_each_member(field.value, [&](std::string_view protocol) {
      passes = passes || passes_protocol(policy, protocol);
      return !passes;
    });
  }
  return passes;
}

bool write_request(Exchange& exchange, const ProxyRoute& route, const upstream::Endpoint& endpoint) {
  return write_growing(
      exchange, [&](http::HeadWriter& writer) { RequestWriter(exchange, route, endpoint, writer).write(); });
}

}  // namespace tidegate::gateway
