// Answers to ACME's HTTP-01 challenges out of a directory, as certbot and lego write them in webroot mode
// (RFC 8555 8.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::gateway {

// `path` is normalised.
[[nodiscard]] bool is_acme_path(std::string_view path);

// The contents of `webroot`'s file for this path; nothing if the last segment is no token (base64url), or
// there is no such regular file of a sensible size. Reads a small local file in place: challenges come a few
// times a year.
[[nodiscard]] std::optional<std::string> read_acme_answer(const std::string& webroot, std::string_view path);

}  // namespace tidegate::gateway
