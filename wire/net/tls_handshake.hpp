// Waiting for a TLS handshake.
#pragma once

#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"

namespace tidegate::net {

// Completes the handshake of a stream that was given a session. ETIMEDOUT at `deadline`; ECANCELED when
// `client` (may be null) hangs up first; else OpenSSL's reason (tls_error.hpp) or the kernel's.
[[nodiscard]] Task<error_code> handshake(Stream& stream, TimePoint deadline, Stream* client = nullptr);

}  // namespace tidegate::net
