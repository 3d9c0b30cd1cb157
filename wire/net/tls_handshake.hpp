// Waiting for a TLS handshake.
#pragma once

#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::net {

// What ends the waiting for a connection that is being opened.
struct OpeningLimits {
  TimePoint deadline;            // ETIMEDOUT
  Stream* client = nullptr;      // hangs up: ECANCELED; may be null
  Signal* called_off = nullptr;  // raised: ESTALE; may be null
};

// Completes the handshake of a stream that was given a session. Fails by a limit, as OpenSSL says
// (tls_error.hpp) or as the kernel does.
[[nodiscard]] Task<error_code> handshake(Stream& stream, OpeningLimits limits);

}  // namespace tidegate::net
