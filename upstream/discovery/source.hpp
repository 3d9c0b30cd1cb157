// Where the endpoints of a cluster come from: what a source of discovery tells, and to whom.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/config.hpp"

namespace tidegate::upstream {

// Ends the warning about one address that stands for all pods of a Service (a ClusterIP).
inline constexpr std::string_view advice_for_shared_address =
    "which of them are ready or leaving cannot be seen behind it. Write `kubernetes: { service: ... }`, or "
    "the "
    "name of a headless Service (clusterIP: None), to see single pods, or `virtual: true` if it is to stay "
    "so";

// What a source says of one endpoint.
enum class Offer : std::uint8_t {
  serving,      // a candidate: it is picked once its probe passes
  not_serving,  // nothing new; what is open goes on
  leaving,      // nothing new; what is open ends as the drain says
};

struct DiscoveredEndpoint {
  conf::Address address;  // an IP literal with its port, or a Unix socket
  int weight = 1;         // 1 to 1000
  int priority = 0;       // those with the lowest number are picked while any of them can be (SRV, zones)
  std::string name;       // identity in sticky cookies and metrics; empty: the address
  Offer offer = Offer::serving;
  std::string cause;  // the evidence for an offer that is not `serving`: "slice soketi-x2v says terminating"
  std::string host;   // the name that it is an address of, for certificates; empty: none
  bool dual_stack = false;  // `host` has addresses of both families: see `connect_to_either`
  bool operator==(const DiscoveredEndpoint&) const = default;
};

// These are all that there are. Who is not among them leaves, for this cause.
struct Reset {
  std::vector<DiscoveredEndpoint> endpoints;
  std::string cause;
};
// These are there, new or other than before.
struct Upsert {
  std::vector<DiscoveredEndpoint> endpoints;
};
// These leave.
struct Remove {
  std::vector<conf::Address> addresses;
  std::string cause;
};
using DiscoveryUpdate = std::variant<Reset, Upsert, Remove>;

// Whom a source tells: all of them on the control thread's io_context, never from within the source's
// constructor, and never after its destructor has begun. They may destroy the source.
struct SourceEvents {
  // What changed. The first one is a Reset. Within one update an address stands once.
  std::function<void(DiscoveryUpdate)> update;
  // It was asked again, and all is as it was.
  std::function<void()> confirm;
  // It could not be asked, or what it said is of no use: a sentence for the log that says why and what to do.
  // What was known stays. Told at each failure; whoever hears it bounds the log.
  std::function<void(std::string why)> fail;
  // A sentence about how it is configured that the operator should know.
  std::function<void(std::string sentence)> warn;
};

// Begins to ask when it is made and ends when it is destroyed. Control thread only.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
};

}  // namespace tidegate::upstream
