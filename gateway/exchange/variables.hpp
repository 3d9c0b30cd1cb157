// The variables of one exchange, under nginx's names, for the templates of rules.
#pragma once

#include <string>
#include <string_view>

#include "conf/template.hpp"
#include "gateway/exchange/exchange.hpp"

namespace tidegate::gateway {

class Variables final : public conf::VariableSource {
 public:
  // The exchange must outlive this object.
  explicit Variables(Exchange& exchange);

  [[nodiscard]] std::string_view variable(conf::Variable which, std::string_view argument) const override;

 private:
  Exchange& exchange_;
  std::string remote_port_;
  std::string server_port_;
  std::string request_uri_;  // of an absolute-form
};

// One cookie of the request by name, or empty (RFC 6265 4.2).
[[nodiscard]] std::string_view cookie(const http::Fields& fields, std::string_view name);
// One argument of a query by name, as received, or empty.
[[nodiscard]] std::string_view query_argument(std::string_view query, std::string_view name);

// Expands `value` into `out` (cleared first) and removes what may not stand in a field value: `$uri` is
// decoded, and a decoded line end must not split a head (RFC 9110 5.5).
void expand_field_value(const conf::Template& value, const Variables& variables, std::string& out);

}  // namespace tidegate::gateway
