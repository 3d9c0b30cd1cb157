// The server behind the hop: WebSocket echo and a short HTTP answer, with next to no state per connection.
#pragma once

#include "tests/bench/loopback.hpp"

namespace tidegate::bench {

// Serves until the process is ended. A request with Sec-WebSocket-Key gets 101 and its messages back, a Close
// is answered and ends the connection; any other request gets, once its body (Content-Length) has come, 200
// with a body of three bytes and keeps its connection. `GET /large` gets half a megabyte.
[[noreturn]] void serve_echo(const net::UniqueFd& listening);

}  // namespace tidegate::bench
