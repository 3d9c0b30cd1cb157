// Which fields end at this hop (RFC 9110 7.6.1) and must not be forwarded.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "wire/http/head.hpp"

namespace tidegate::http {

// Decides for one head which fields are dropped. Nominations by `Connection` are honoured except for fields
// whose removal would change who or what is asked: Host, Content-Length, Transfer-Encoding, X-Forwarded-*,
// X-Real-IP, Forwarded, Via, Cookie, Set-Cookie, Authorization, Sec-WebSocket-*, Origin, Content-Type,
// Content-Encoding, Expect. Only the first `most_connection_options` nominations count; the parser lets no
// more through. The views must outlive the object. Allocates nothing.
class HopByHop {
 public:
  explicit HopByHop(const Fields& fields);

  // True for Connection, Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE, Trailer,
  // Transfer-Encoding, Upgrade, HTTP2-Settings, and every field nominated and not protected.
  [[nodiscard]] bool ends_here(std::string_view name) const;

 private:
  std::array<std::string_view, most_connection_options> nominated_;  // of which `size_` are set
  std::size_t size_ = 0;
};

// The request's `TE` says `trailers`: the one member that may be sent on.
[[nodiscard]] bool accepts_trailers(const Fields& fields);

}  // namespace tidegate::http
