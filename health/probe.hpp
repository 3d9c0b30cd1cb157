// One probe of one endpoint, over an own connection that is never pooled. Runs on the control thread's
// io_context.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "conf/config.hpp"
#include "health/probe_result.hpp"
#include "wire/net/tls_client.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::health {

struct ProbeRequest {
  conf::Address address;  // of the endpoint; a name is resolved
  conf::ProbeAction action;
  std::chrono::milliseconds timeout{1000};  // over resolving, connecting and the whole head of the answer
  std::shared_ptr<const net::TlsClient> tls = {};  // null: in clear text
  // What a probe that sends anything begins with; for connections that have the port of the endpoint itself.
  conf::ProxyProtocolOut proxy_protocol = conf::ProxyProtocolOut::off;
  std::string host = {};  // whom a certificate must name if the action does not say; empty: the address
};

// A TCP probe passes once it is connected, and where it has TLS, once the handshake is complete.
//
// An HTTP probe sends one GET over HTTP/1.1 and judges the status only: 200 to 399 passes, redirects are not
// followed. `Host` is the action's host, else the endpoint's address and port, unless the headers name one.
// What comes of a body is read for a moment after the verdict, so that the pod does not see a reset, and
// ignored.
//
// A WebSocket probe opens a WebSocket as clients do, sends a ping, and passes once its pong has come; then it
// closes with 1000. Any other status than 101, or a Close before the pong, is an explicit "not ready".
class Probe {
 public:
  using Done = std::function<void(ProbeResult)>;

  // Starts it. `done` is called once, from `context`, never from within the constructor; it may destroy the
  // probe.
  Probe(boost::asio::io_context& context, ProbeRequest request, Done done);
  // Closes the connection of a probe that has not ended; its `done` will not be called.
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  class Attempt;
  std::shared_ptr<Attempt> attempt_;
};

}  // namespace tidegate::health
