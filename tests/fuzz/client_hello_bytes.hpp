// Hellos of TLS clients as bytes (RFC 8446 4.1.2, RFC 5246 7.4.1.2): made, and read by a reader that knows no
// more of TLS than that.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::fuzz {

// The body of a hello in its handshake message and record, in several records where it is long.
[[nodiscard]] std::string framed_hello(std::string_view body);
// A hello that a server can answer; `extensions` stand behind its own. `newest`: it offers TLS 1.3 too.
[[nodiscard]] std::string good_hello(bool newest, std::string_view extensions);
// One for TLS 1.3 only that lacks a key, so that the server asks for another (RFC 8446 4.1.4).
[[nodiscard]] std::string hello_without_share(std::string_view name);
// RFC 6066 3, with the type in front.
[[nodiscard]] std::string server_name_extension(std::string_view name);

struct PlainHello {
  std::optional<std::string> server_name;  // the body of the extension
};
// The complete hellos at the front of what a client sent.
[[nodiscard]] std::vector<PlainHello> plain_hellos(std::string_view bytes);
// How many of them a server answered, judged by what it sent in clear text.
[[nodiscard]] std::size_t plain_server_hellos(std::string_view bytes);

}  // namespace tidegate::fuzz
