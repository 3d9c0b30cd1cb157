// The tunnels of one worker that have to end, each at its moment: those of endpoints that drain, and all of
// them when the gateway ends.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "conf/websocket.hpp"
#include "gateway/tunnel/departure.hpp"
#include "upstream/cluster_view.hpp"
#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

class Tunnel;
class Worker;

// Worker's thread only.
class Departures final : private net::DeadlineNode {
 public:
  explicit Departures(Worker& worker) : worker_(worker) {}

  // `endpoint`, of the cluster with this number, drains. Its tunnels wait where no other endpoint has room
  // for their clients. Told again, nothing changes.
  void leave(const upstream::EndpointPtr& endpoint, std::uint32_t cluster);
  // It does not drain any more: who is still there stays.
  void stay(upstream::EndpointId endpoint) { endpoints_.erase(endpoint); }
  // All tunnels end within `window`. Their clients come back to another gateway.
  void leave_all(net::TimePoint::duration window);
  void stay_all() { all_.reset(); }
  // Moves some of what endpoints have above their share. Called once a second for each cluster that asks for
  // it.
  void rebalance(const upstream::ClusterView& cluster);

 private:
  struct FromEndpoint {
    FromEndpoint(upstream::EndpointPtr left, std::uint32_t number)
        : endpoint(std::move(left)), cluster(number) {}

    upstream::EndpointPtr endpoint;
    std::uint32_t cluster;
    std::optional<Departure> departure;  // from the first look on, when it is known how many there are
    Absentees absentees;
    std::uint64_t served = 0;      // handshakes of the cluster at the last look
    std::vector<Tunnel*> tunnels;  // during a look
  };

  void on_deadline() override;
  // Ends who is due. Returns when to look again.
  net::TimePoint look(FromEndpoint& from);
  net::TimePoint look_at_all();
  [[nodiscard]] DeparturePlan plan_of(const FromEndpoint& from) const;
  [[nodiscard]] ReturnRoom room_for(FromEndpoint& from) const;
  // Of those that it has in common with other workers.
  [[nodiscard]] static double share_of(const FromEndpoint& from);
  void end_idle_first(std::vector<Tunnel*>& tunnels, std::size_t count, conf::CloseCause cause);

  Worker& worker_;
  std::unordered_map<upstream::EndpointId, FromEndpoint> endpoints_;
  std::optional<Departure> all_;
  std::unordered_map<std::uint32_t, double> credits_;  // by cluster: what may be moved
};

}  // namespace tidegate::gateway
