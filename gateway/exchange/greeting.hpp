// The TLS handshake of an accepted connection.
#pragma once

#include <string>

#include "conf/config.hpp"
#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"
#include "wire/net/tls_server.hpp"

namespace tidegate::gateway {

class IdleNode;
class Worker;

struct Greeting {
  bool secured = false;  // false: there will be no request
  std::string refused;   // why, for the log; empty where there is nothing to say
};

// Makes an accepted stream speak TLS. Nothing is allocated for it before its first byte has come and it is
// its turn: of the steps that cost computing a worker makes a bounded number per turn of its loop, so that a
// crowd of newcomers does not keep open sockets waiting. Where too many are under way, `connection`, whose
// stream it is, may be closed. Counts the outcome.
[[nodiscard]] net::Task<Greeting> greet(Worker& worker, net::Stream& stream, const net::TlsServer& server,
                                        const conf::Listener& settings, IdleNode& connection);

}  // namespace tidegate::gateway
