// The head that goes to the client for an upstream's answer.
#pragma once

#include <string_view>

#include "gateway/exchange/exchange.hpp"

namespace tidegate::gateway {

// How the answer's body is framed towards this client.
struct ClientFraming {
  http::BodyKind kind = http::BodyKind::none;
  bool keep_alive = true;  // the connection goes on after it
};

// RFC 9112 6: a length stays, anything else is chunked for HTTP/1.1 and ends with the connection for
// HTTP/1.0.
[[nodiscard]] ClientFraming client_framing(const Exchange& exchange, bool keep_alive);

// Writes the answer's head into `exchange.out` (cleared first). `extra_cookie` is a whole Set-Cookie value or
// empty.
[[nodiscard]] bool write_response(Exchange& exchange, const ClientFraming& framing,
                                  std::string_view extra_cookie);

// Writes an interim answer (1xx) as it came, less what ends at this hop.
[[nodiscard]] bool write_interim(Exchange& exchange);

// Writes the 101 that opens the tunnel.
[[nodiscard]] bool write_switch(Exchange& exchange, std::string_view extra_cookie);

}  // namespace tidegate::gateway
