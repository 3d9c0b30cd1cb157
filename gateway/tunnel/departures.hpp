// The tunnels of one worker that have to end, each at its moment: those of endpoints that drain, those of
// routes that a reload removed, and all of them when the gateway ends.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "conf/config.hpp"
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
  // for their clients; of an upstream that is `removed` no other endpoint ever has. Told again, only that
  // changes.
  void leave(const upstream::EndpointPtr& endpoint, std::uint32_t cluster, bool removed);
  // It does not drain any more: who is still there stays.
  void stay(upstream::EndpointId endpoint) { endpoints_.erase(endpoint); }
  // The routes are those of `config` now: tunnels of others leave, and those stay that have not been told yet
  // and whose route is there again. Routes are the same if they have the same name.
  void review(const conf::Config& config);
  // The same for one tunnel, whose request was routed under an earlier configuration.
  void review(Tunnel& tunnel, const conf::Config& config);
  // All tunnels end within `window`. Their clients come back to another gateway.
  // Those that can move may be spared: another process takes them over.
  enum class Movable : std::uint8_t { leave, stay };
  void leave_all(net::TimePoint::duration window, Movable movable);
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
    bool removed = false;
    std::optional<Departure> departure;  // from the first look on, when it is known how many there are
    Absentees absentees;
    std::uint64_t served = 0;      // handshakes of the cluster at the last look
    std::vector<Tunnel*> tunnels;  // during a look
  };
  // Whoever leaves it has nowhere to go here: whether there is room is of no interest.
  struct FromRoute {
    std::string name;
    std::optional<Departure> departure;
    std::size_t present = 0;  // those that have been told, too; during a look
    std::vector<Tunnel*> tunnels;
  };

  void on_deadline() override;
  void call_up(Tunnel& tunnel);
  void part_from_route(Tunnel& tunnel);
  [[nodiscard]] static conf::CloseCause cause_of(const FromEndpoint& from) {
    return from.removed ? conf::CloseCause::removed : conf::CloseCause::draining;
  }
  // Ends who is due. Returns when to look again.
  net::TimePoint look(FromEndpoint& from);
  net::TimePoint look(FromRoute& from);
  net::TimePoint look_at_endpoints();
  net::TimePoint look_at_routes();
  net::TimePoint look_at_all();
  [[nodiscard]] bool leaves_with_all(const Tunnel& tunnel) const;
  [[nodiscard]] DeparturePlan plan_of(const FromEndpoint& from) const;
  [[nodiscard]] DeparturePlan plan_of(const FromRoute& from) const;
  [[nodiscard]] ReturnRoom room_for(FromEndpoint& from) const;
  // Of those that it has in common with other workers.
  [[nodiscard]] static double share_of(const FromEndpoint& from);
  void end_idle_first(std::vector<Tunnel*>& tunnels, std::size_t count, conf::CloseCause cause);

  Worker& worker_;
  std::unordered_map<upstream::EndpointId, FromEndpoint> endpoints_;
  std::unordered_map<std::uint32_t, FromRoute> routes_;  // by `Tunnel::route_left`
  std::uint32_t routes_left_ = 0;                        // ever
  std::optional<Departure> all_;
  Movable movable_ = Movable::leave;                   // of those in `all_`
  std::unordered_map<std::uint32_t, double> credits_;  // by cluster: what may be moved
};

}  // namespace tidegate::gateway
