// Writing untrusted text into log lines, JSON and Prometheus labels. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::gateway {

// nginx's `escape=default`: `"`, `\` and every byte outside printable ASCII become `\xHH`; an empty text is
// `-`.
void append_log_escaped(std::string& out, std::string_view text);
// ` key=value`, the value as above; nothing where it is empty.
void append_log_pair(std::string& out, std::string_view key, std::string_view value);
// A JSON string with its quotes (RFC 8259 7). Bytes that are not UTF-8 become U+FFFD, one per byte that does
// not fit.
void append_json_string(std::string& out, std::string_view text);
// A label value with its quotes: `\`, `"` and newline escaped; bytes that are not UTF-8 become U+FFFD,
// because Prometheus refuses the whole scrape otherwise.
void append_label_value(std::string& out, std::string_view text);

}  // namespace tidegate::gateway
