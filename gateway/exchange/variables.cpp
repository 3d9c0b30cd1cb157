#include "gateway/exchange/variables.hpp"

#include <algorithm>

namespace tidegate::gateway {

std::string_view cookie(const http::Fields& fields, std::string_view name) {
  for (const auto& field : fields) {
    if (!http::equals_ignoring_case(field.name, "cookie")) continue;
    auto rest = field.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = http::trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
        return pair.substr(name.size() + 1);
      }
    }
  }
  return {};
}

std::string_view query_argument(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

namespace {

std::string_view tls_variable(const net::TlsFacts& facts, conf::Variable which) {
  switch (which) {
    case conf::Variable::ssl_protocol: return facts.protocol;
    case conf::Variable::ssl_cipher: return facts.cipher;
    case conf::Variable::ssl_server_name: return facts.server_name;
    case conf::Variable::ssl_session_reused: return facts.resumed ? "r" : ".";
    case conf::Variable::ssl_client_verify: return facts.has_certificate() ? "SUCCESS" : "NONE";
    case conf::Variable::ssl_client_s_dn: return facts.subject;
    case conf::Variable::ssl_client_i_dn: return facts.issuer;
    case conf::Variable::ssl_client_serial: return facts.serial;
    case conf::Variable::ssl_client_fingerprint: return facts.fingerprint;
    default: return {};
  }
}

}  // namespace

void expand_field_value(const conf::Template& value, const Variables& variables, std::string& out) {
  out.clear();
  value.append_to(out, variables);
  std::erase_if(out, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

Variables::Variables(Exchange& exchange) : exchange_(exchange) {
  remote_port_ = std::to_string(exchange.record.client_port);
  const auto server = http::split_authority(exchange.record.server_address);
  server_port_ = std::to_string(server.port);
  const auto& target = exchange.target;
  if (target.form == http::TargetForm::absolute) {
    request_uri_.append(target.path);
    if (target.has_query) request_uri_.append("?").append(target.query);
  }
  auto& chain = exchange.forwarded_for;
  chain.clear();
  for (const auto& field : exchange.request.fields) {
    if (!http::equals_ignoring_case(field.name, "x-forwarded-for")) continue;
    chain.append(field.value).append(", ");
  }
  chain.append(exchange.peer_address);
}

std::string_view Variables::variable(conf::Variable which, std::string_view argument) const {
  const auto& request = exchange_.request;
  switch (which) {
    case conf::Variable::remote_addr: return exchange_.record.client_address;
    case conf::Variable::remote_port: return remote_port_;
    case conf::Variable::remote_user: return exchange_.record.remote_user;
    case conf::Variable::host: return exchange_.host;
    case conf::Variable::http_host: return request.fields.find("host").value_or("");
    case conf::Variable::scheme: return exchange_.tls != nullptr ? "https" : "http";
    case conf::Variable::request_method: return request.method;
    case conf::Variable::request_uri:
      return exchange_.target.form == http::TargetForm::absolute ? request_uri_ : request.target;
    case conf::Variable::uri: return exchange_.path;
    case conf::Variable::args: return exchange_.target.query;
    case conf::Variable::server_addr: return http::split_authority(exchange_.record.server_address).host;
    case conf::Variable::server_port: return server_port_;
    case conf::Variable::server_protocol: return exchange_.record.version;
    case conf::Variable::request_id: return exchange_.request_id;
    case conf::Variable::proxy_add_x_forwarded_for: return exchange_.forwarded_for;
    case conf::Variable::upstream_addr: {
      const auto attempts = exchange_.record.attempts.kept();
      return attempts.empty() ? std::string_view() : attempts.back().endpoint;
    }
    case conf::Variable::upstream_name: return exchange_.record.upstream;
    case conf::Variable::route: return exchange_.record.route;
    case conf::Variable::ssl_protocol:
    case conf::Variable::ssl_cipher:
    case conf::Variable::ssl_server_name:
    case conf::Variable::ssl_session_reused:
    case conf::Variable::ssl_client_verify:
    case conf::Variable::ssl_client_s_dn:
    case conf::Variable::ssl_client_i_dn:
    case conf::Variable::ssl_client_serial:
    case conf::Variable::ssl_client_fingerprint:
      return exchange_.tls != nullptr ? tls_variable(*exchange_.tls, which) : std::string_view();
    case conf::Variable::http: return request.fields.find(argument).value_or("");
    case conf::Variable::arg: return query_argument(exchange_.target.query, argument);
    case conf::Variable::cookie: return cookie(request.fields, argument);
  }
  return {};
}

}  // namespace tidegate::gateway
