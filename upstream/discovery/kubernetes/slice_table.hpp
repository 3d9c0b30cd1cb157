// The EndpointSlices of one Service, merged into endpoints; what changed is taken as updates. Pure. A changed
// slice costs what it holds, not what all of them hold.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

#include "upstream/discovery/kubernetes/endpoint_slice.hpp"

namespace tidegate::upstream {

class SliceTable {
 public:
  // The service, port and zone of `wanted` count.
  explicit SliceTable(const conf::KubernetesSource& wanted) : wanted_(wanted) {}

  // A slice that is new or other than before. What it gives is why nothing of it is used, if that is so: it
  // has not the wanted port, or names instead of addresses.
  std::optional<std::string> put(const EndpointSlice& slice);
  void remove(const std::string& slice);
  // Removes the slices that are not among these.
  void keep_only(const std::set<std::string>& slices);

  // Why the Service as it is now is of no use: it has endpoints, and none of its slices can be used. Nothing
  // is taken then.
  [[nodiscard]] std::optional<std::string> fault() const;
  [[nodiscard]] bool has_slices() const { return !slices_.empty(); }

  // What changed since it was last taken: the first time a Reset, then at most one Remove and one Upsert. A
  // pod that takes over the name of another (as those of a StatefulSet do) finds it free that way. `cause` is
  // that of who leaves.
  [[nodiscard]] std::vector<DiscoveryUpdate> take(const std::string& cause);

 private:
  // What one slice says of one address.
  struct Claim {
    DiscoveredEndpoint endpoint;
    std::string uid;  // of the pod
    bool operator==(const Claim&) const = default;
  };
  using Claims = std::map<std::string, Claim>;  // by address
  struct Held {
    Claims claims;
    bool occupied = false;  // has endpoints, whether or not they can be used
    std::string fault;
  };
  struct Place {
    std::vector<std::pair<std::string, Claim>> claims;  // by slice, the newest last
    std::optional<DiscoveredEndpoint> told;
  };

  [[nodiscard]] boost::system::result<std::uint16_t, std::string> port_of(const EndpointSlice& slice) const;
  [[nodiscard]] Claims claims_of(const EndpointSlice& slice, std::uint16_t port) const;
  void replace(const std::string& slice, Held held);
  void drop(const std::string& slice, const std::string& address);
  void count(const Held& held, int by);
  [[nodiscard]] std::optional<DiscoveredEndpoint> offered(const std::string& address,
                                                          const Place& place) const;
  static const Claim& best(const Place& place);

  const conf::KubernetesSource wanted_;
  std::map<std::string, Held> slices_;
  std::unordered_map<std::string, Place> places_;       // by address
  std::unordered_map<std::string, std::string> named_;  // names that were told -> the address that has it
  std::set<std::string> changed_;                       // addresses, since they were taken
  int used_ = 0;                                        // slices with endpoints that can be used
  int unused_ = 0;                                      // and that cannot
  bool reset_told_ = false;
};

}  // namespace tidegate::upstream
