// Origins of web pages (RFC 6454): as browsers send them, and as configurations allow them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidegate::conf {

// `https://app.example.com:8443`. The views are parts of the text that was split.
struct Origin {
  static constexpr int any_port = -1;

  std::string_view scheme;  // empty: http or https; only in a pattern
  std::string_view host;    // with brackets if it is an IPv6 address; in a pattern perhaps `*.suffix`
  int port = any_port;      // of the scheme if none is written, 0 if the scheme has none
};

// What a browser sends for a page that has a host; nullopt for everything else, `null` among it.
[[nodiscard]] std::optional<Origin> split_origin(std::string_view text);
// An allowed origin: the same, or without its scheme and then at any port unless one is written, or with `*.`
// before the host.
[[nodiscard]] std::optional<Origin> split_origin_pattern(std::string_view text);

// 443 for https, 80 for http, 0 for any other scheme.
[[nodiscard]] int default_port(std::string_view scheme);

// `origin` is one that `pattern` allows. Case does not count; `*.example.com` is every name below
// `example.com` and not that name itself.
[[nodiscard]] bool matches(const Origin& pattern, const Origin& origin);

}  // namespace tidegate::conf
