#include "gateway/exchange/field_rules.hpp"

#include <algorithm>

#include "gateway/exchange/variables.hpp"

namespace tidegate::gateway {

bool is_ruled(const std::vector<FieldRule>& rules, std::string_view name) {
  return std::any_of(rules.begin(), rules.end(), [&](const FieldRule& rule) {
    return rule.operation != conf::HeaderOperation::add && http::equals_ignoring_case(rule.name, name);
  });
}

bool imitates_ruled(const std::vector<FieldRule>& rules, std::string_view name) {
  return std::any_of(rules.begin(), rules.end(), [&](const FieldRule& rule) {
    return rule.operation != conf::HeaderOperation::add && http::equals_as_variable(rule.name, name);
  });
}

std::string_view without_ruled(std::string_view trailers, const std::vector<FieldRule>& rules,
                               std::string& scratch) {
  if (rules.empty() || trailers.empty()) return trailers;
  scratch.clear();
  while (!trailers.empty()) {
    const auto end = trailers.find('\n');
    const auto line = trailers.substr(0, end == std::string_view::npos ? end : end + 1);
    if (!imitates_ruled(rules, line.substr(0, line.find(':')))) scratch.append(line);
    trailers.remove_prefix(line.size());
  }
  return scratch;
}

void write_rules(http::HeadWriter& writer, Exchange& exchange, const std::vector<FieldRule>& rules) {
  if (rules.empty()) return;
  const Variables variables(exchange);
  for (const auto& rule : rules) {
    if (rule.operation == conf::HeaderOperation::remove) continue;
    expand_field_value(rule.value, variables, exchange.scratch);
    if (!exchange.scratch.empty()) writer.field(rule.name, exchange.scratch);
  }
}

void write_hsts(http::HeadWriter& writer, const Exchange& exchange, const std::vector<FieldRule>& rules) {
  constexpr std::string_view name = "Strict-Transport-Security";
  if (!exchange.hsts.empty() && !is_ruled(rules, name)) writer.field(name, exchange.hsts);
}

}  // namespace tidegate::gateway
