// The header rules of a route, applied while a head is written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange/exchange.hpp"
#include "wire/http/head_writer.hpp"

namespace tidegate::gateway {

// A rule sets or removes fields of this name: what would be written otherwise is left out.
[[nodiscard]] bool is_ruled(const std::vector<FieldRule>& rules, std::string_view name);

// The same for a client's field: what an application may take for one of this name is left out too.
[[nodiscard]] bool imitates_ruled(const std::vector<FieldRule>& rules, std::string_view name);

// The field lines of a trailer section without those that the rules would not have let stand in the head.
// `scratch` holds the result where something is left out.
[[nodiscard]] std::string_view without_ruled(std::string_view trailers, const std::vector<FieldRule>& rules,
                                             std::string& scratch);

// Writes what the rules set and add. As in nginx, a value that comes out empty sends no field. Uses
// `exchange.scratch`.
void write_rules(http::HeadWriter& writer, Exchange& exchange, const std::vector<FieldRule>& rules);

// Strict-Transport-Security where the listener is to send it and no rule speaks of it (RFC 6797 7.1: over TLS
// only).
void write_hsts(http::HeadWriter& writer, const Exchange& exchange, const std::vector<FieldRule>& rules);

}  // namespace tidegate::gateway
