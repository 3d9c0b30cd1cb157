#include <algorithm>
#include <array>

#include "conf/checks.hpp"
#include "conf/spelling.hpp"
#include "conf/template.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";

// Fields that frame a message or belong to one hop (RFC 9110 7.6.1) or to the handshake (RFC 6455 4): a rule
// on them could desynchronise two connections, so they stay the gateway's own.
constexpr std::array<std::string_view, 12> own_fields{
    "connection",        "content-length",       "transfer-encoding",
    "upgrade",           "keep-alive",           "te",
    "trailer",           "proxy-connection",     "expect",
    "sec-websocket-key", "sec-websocket-accept", "sec-websocket-version"};

std::optional<std::string> name_fault(std::string_view name, HeaderSide side) {
  if (!is_token(name)) {
    return quote(name) + " is not the name of a header field: letters, digits and `" +
           std::string(token_marks) + "` only";
  }
  const std::string lower = in_lower_case(name);
  if (side == HeaderSide::request && lower == "host")
    return "use the route's `host:` to change the Host field";
  if (std::find(own_fields.begin(), own_fields.end(), lower) == own_fields.end()) return std::nullopt;
  return quote(name) + " belongs to the connection, which the gateway keeps itself: remove this rule";
}

std::string_view operation_key(HeaderOperation operation) {
  switch (operation) {
    case HeaderOperation::set: return "set";
    case HeaderOperation::add: return "add";
    case HeaderOperation::remove: return "remove";
  }
  return {};
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           token_marks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::optional<std::string> template_fault(std::string_view text) {
  if (!is_field_value(text)) return "has a line break or another control character: write it on one line";
  const auto compiled = Template::compile(text);
  if (!compiled) return compiled.error();
  return std::nullopt;
}

void check_header_rules(const std::vector<HeaderRule>& rules, HeaderSide side, Findings findings) {
  std::size_t removed = 0;
  for (const auto& rule : rules) {
    std::string field(operation_key(rule.operation));
    if (rule.operation == HeaderOperation::remove) {
      field += "[" + std::to_string(removed++) + "]";
    } else {
      field += "." + rule.name;
    }
    if (auto fault = name_fault(rule.name, side)) findings.add(field, std::move(*fault));
    if (auto fault = template_fault(rule.value)) findings.add(field, std::move(*fault));
  }
}

}  // namespace tidegate::conf
