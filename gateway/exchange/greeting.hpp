// The TLS handshake of an accepted connection.
#pragma once

#include "conf/config.hpp"
#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"
#include "wire/net/tls_server.hpp"

namespace tidegate::gateway {

class Worker;

// Makes an accepted stream speak TLS. Nothing is allocated for it before its first byte has come. Of the
// steps that cost computing a worker makes a bounded number per turn of its loop, so that a crowd of
// newcomers does not keep open sockets waiting. Counts the outcome. False: there will be no request.
[[nodiscard]] net::Task<bool> greet(Worker& worker, net::Stream& stream, const net::TlsServer& server,
                                    const conf::Listener& settings);

}  // namespace tidegate::gateway
