// Values with variables (`https://$host$request_uri`), compiled once when the configuration is read and
// expanded per request without parsing. Variable names are nginx's; `${name}` separates a name from what
// follows, `$$` is a dollar sign.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace tidegate::conf {

enum class Variable {
  remote_addr,  // client address without port
  remote_port,
  remote_user,  // who has shown a password; empty for everybody else
  host,         // Host field without port, lower case
  http_host,    // Host field as received
  scheme,       // http or https
  request_method,
  request_uri,  // target as received
  uri,          // decoded path
  args,         // query without `?`
  server_addr,
  server_port,
  server_protocol,
  request_id,
  proxy_add_x_forwarded_for,
  upstream_addr,  // empty until an endpoint has been picked
  upstream_name,
  route,
  ssl_protocol,  // the ssl_ ones are empty in clear text
  ssl_cipher,
  ssl_server_name,
  ssl_session_reused,  // `r`, or `.` for a full handshake
  ssl_client_verify,   // SUCCESS or NONE: a client that fails is not served
  ssl_client_s_dn,     // RFC 2253
  ssl_client_i_dn,
  ssl_client_serial,
  ssl_client_fingerprint,  // SHA-1
  http,                    // $http_NAME: a request field; the argument is the field name with `-`
  arg,                     // $arg_NAME: a query argument
  cookie,                  // $cookie_NAME
};

// What a template is expanded against; implemented by the exchange. The view must live until `expand`
// returns.
class VariableSource {
 public:
  [[nodiscard]] virtual std::string_view variable(Variable which, std::string_view argument) const = 0;

 protected:
  ~VariableSource() = default;
};

class Template {
 public:
  Template() = default;

  // Compiles `text`; the error is a sentence that names the unknown variable (with the nearest known one) or
  // the fault of syntax.
  [[nodiscard]] static boost::system::result<Template, std::string> compile(std::string_view text);

  void append_to(std::string& out, const VariableSource& source) const;
  [[nodiscard]] bool is_literal() const;
  [[nodiscard]] bool empty() const { return parts_.empty(); }

 private:
  struct Part {
    bool literal = true;
    Variable variable{};
    std::string text;  // the literal, or the variable's argument
  };
  std::vector<Part> parts_;
};

}  // namespace tidegate::conf
