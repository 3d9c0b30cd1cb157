// The probe loops of all endpoints. Owned by control; every call and report is made on its thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "upstream/cluster_view.hpp"
#include "upstream/socket_intake.hpp"
#include "wire/net/tls_client.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::health {

// By name of the upstream; those in clear text are not in it.
using TlsClients = std::map<std::string, std::shared_ptr<const net::TlsClient>, std::less<>>;

// The verdict of a probe that changed, or of new sockets any, with its evidence ("probe: HTTP 500 in 1.2 ms";
// without the first word where new sockets are probed). For a virtual address it is informative only.
struct Finding {
  upstream::EndpointId endpoint = 0;
  upstream::ProbeKind probe = upstream::ProbeKind::readiness;
  upstream::Verdict verdict{};
  std::string cause;
};

// Several pods answer the probes of one address, which are taken for one endpoint.
struct SharedAddress {
  upstream::EndpointPtr endpoint;
  std::string cluster;
  std::string names;  // "ws-1 and ws-2", as answers have them: not to be trusted
};

class Checker {
 public:
  // Called from the io_context, never from within a call of the checker; may call the checker.
  using Report = std::function<void(const Finding&)>;
  // Called likewise, once for an endpoint; not for virtual addresses, of which it is known.
  using SharedReport = std::function<void(const SharedAddress&)>;

  struct Options {
    std::size_t most_probes = 256;            // in flight at once; the others wait in order
    std::uint64_t seed = 0x2545f4914f6cdd1d;  // of the jitter; different in every process
    SharedReport shared = {};
  };

  Checker(boost::asio::io_context& context, Report report);
  Checker(boost::asio::io_context& context, Report report, Options options);
  // Ends every probe; no report comes after it. The io_context may be run, stopped or destroyed afterwards.
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // Starts and ends loops so that they fit the view: every member that is not draining is watched. To be
  // called with every new view. A loop begins with the verdict that the endpoint's state shows, one of new
  // sockets with none; it keeps its count as long as its probe stays the same, and its verdict over a changed
  // one.
  void watch(const upstream::ClusterView& view);

  // A worker met a refusal, or control failed the endpoint for another reason: it counts as failed here too
  // and is probed at once. Control itself tells the registry. Probes of new sockets go on by themselves.
  void suspect(upstream::EndpointId id);

  // Something makes the endpoint doubtful, but does not fail it: its configured probe is sent at once.
  void hurry(upstream::EndpointId id);

  // How the endpoints of each upstream are spoken to under TLS, for probes from now on.
  void set_tls(TlsClients clients);

  // Whether requests are on hold for the cluster: then endpoints that are not ready are probed every 100 to
  // 250 ms.
  void set_waiting(std::string_view cluster, bool waiting);

 private:
  class Loops;
  std::shared_ptr<Loops> loops_;
};

}  // namespace tidegate::health
