#include "conf/template.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "conf/spelling.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

struct Named {
  std::string_view name;
  Variable variable;
};

constexpr std::array plain_variables{
    Named{"remote_addr", Variable::remote_addr},
    Named{"remote_port", Variable::remote_port},
    Named{"remote_user", Variable::remote_user},
    Named{"host", Variable::host},
    Named{"http_host", Variable::http_host},
    Named{"scheme", Variable::scheme},
    Named{"request_method", Variable::request_method},
    Named{"request_uri", Variable::request_uri},
    Named{"uri", Variable::uri},
    Named{"args", Variable::args},
    Named{"server_addr", Variable::server_addr},
    Named{"server_port", Variable::server_port},
    Named{"server_protocol", Variable::server_protocol},
    Named{"request_id", Variable::request_id},
    Named{"proxy_add_x_forwarded_for", Variable::proxy_add_x_forwarded_for},
    Named{"upstream_addr", Variable::upstream_addr},
    Named{"upstream_name", Variable::upstream_name},
    Named{"route", Variable::route},
    Named{"ssl_protocol", Variable::ssl_protocol},
    Named{"ssl_cipher", Variable::ssl_cipher},
    Named{"ssl_server_name", Variable::ssl_server_name},
    Named{"ssl_session_reused", Variable::ssl_session_reused},
    Named{"ssl_client_verify", Variable::ssl_client_verify},
    Named{"ssl_client_s_dn", Variable::ssl_client_s_dn},
    Named{"ssl_client_i_dn", Variable::ssl_client_i_dn},
    Named{"ssl_client_serial", Variable::ssl_client_serial},
    Named{"ssl_client_fingerprint", Variable::ssl_client_fingerprint},
};

// Families: what follows the prefix is the argument.
constexpr std::array variable_families{
    Named{"http_", Variable::http},
    Named{"arg_", Variable::arg},
    Named{"cookie_", Variable::cookie},
};

struct Found {
  Variable variable;
  std::string argument;
};

constexpr bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<Found> find_variable(std::string_view name) {
  for (const auto& known : plain_variables) {
    if (known.name == name) return Found{known.variable, {}};
  }
  for (const auto& family : variable_families) {
    if (!name.starts_with(family.name) || name.size() == family.name.size()) continue;
    std::string argument(name.substr(family.name.size()));
    // `$http_x_real_ip` names the field X-Real-IP, as in nginx.
    if (family.variable == Variable::http) std::replace(argument.begin(), argument.end(), '_', '-');
    return Found{family.variable, std::move(argument)};
  }
  return std::nullopt;
}

std::string unknown_variable(std::string_view name) {
  std::array<std::string_view, plain_variables.size()> names{};
  std::transform(plain_variables.begin(), plain_variables.end(), names.begin(),
                 [](const Named& known) { return known.name; });
  std::string message = "unknown variable " + quote("$" + std::string(name));
  if (const auto near = nearest(name, names))
    return message + "; did you mean `$" + std::string(*near) + "`?";
  message += "; known are";
  for (const auto known : names) message += " $" + std::string(known);
  return message + " $http_NAME $arg_NAME $cookie_NAME";
}

// The name behind a `$`, which has been taken off `rest` already; takes the name and its braces off too.
Parsed<std::string_view> take_name(std::string_view& rest) {
  const bool braced = rest.starts_with('{');
  if (braced) rest.remove_prefix(1);
  std::size_t length = 0;
  while (length < rest.size() && is_name_byte(rest[length])) ++length;
  const std::string_view name = rest.substr(0, length);
  rest.remove_prefix(length);
  if (braced && !rest.starts_with('}')) return Unreadable{"`${` without its `}`"};
  if (braced) rest.remove_prefix(1);
  if (name.empty()) return Unreadable{"a `$` without a name: write `$$` for a dollar sign"};
  return name;
}

}  // namespace

boost::system::result<Template, std::string> Template::compile(std::string_view text) {
  Template out;
  std::string literal;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    literal += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      literal.push_back('$');
      text.remove_prefix(1);
      continue;
    }
    const auto name = take_name(text);
    if (!name) return name.error().why;
    auto found = find_variable(*name);
    if (!found) return unknown_variable(*name);
    if (!literal.empty()) out.parts_.push_back({true, {}, std::move(literal)});
    literal.clear();
    out.parts_.push_back({false, found->variable, std::move(found->argument)});
  }
  if (!literal.empty()) out.parts_.push_back({true, {}, std::move(literal)});
  return out;
}

void Template::append_to(std::string& out, const VariableSource& source) const {
  for (const Part& part : parts_) {
    out += part.literal ? std::string_view(part.text) : source.variable(part.variable, part.text);
  }
}

bool Template::is_literal() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.literal; });
}

}  // namespace tidegate::conf
