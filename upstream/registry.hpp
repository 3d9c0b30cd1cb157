// The truth about all endpoints, owned by the control thread: facts in, states and new views out.
// Not thread-safe: every call is made on the control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "upstream/cluster_view.hpp"
#include "upstream/socket_intake.hpp"

namespace tidegate::upstream {

// Why an endpoint changed its state, kept for logs and /endpoints.
struct Transition {
  EndpointState from{};
  EndpointState to{};
  std::string cause;  // e.g. "refused", "probe: HTTP 500", "added"
  TimePoint at;
  std::chrono::system_clock::time_point wall_time;
};

// A read-only picture of one endpoint for the admin listener and metrics.
struct EndpointReport {
  std::string cluster;
  EndpointId id = 0;
  std::string name;
  std::string address;
  int weight = 1;
  EndpointState state{};
  int active = 0;
  Transition last;
  std::uint64_t transitions = 0;
  bool drained_by_order = false;
  SocketIntake sockets;
};

class Registry {
 public:
  // Told on the control thread after the endpoint's shared state was stored and the view was made: first
  // `state_changed` for each endpoint that moved (a new one comes from `removed`), then `view_changed`. They
  // may read the registry and must not change it. A removed cluster's last view has no members.
  struct Listener {
    std::function<void(ClusterViewPtr)> view_changed;
    std::function<void(const EndpointPtr&, const std::string& cluster, const Transition&)> state_changed;
    // Whether the endpoint takes new WebSockets has changed, or there is one more reason why it does not.
    std::function<void(const EndpointPtr&, const std::string& cluster, const std::string& cause)>
        sockets_changed = {};
  };
  explicit Registry(Listener listener);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Adds a cluster or replaces its settings and static members. Endpoints are told apart by address; one that
  // stays keeps its id, state, counts and verdict, one that vanished drains, one that returns meanwhile is
  // probed anew.
  void set_cluster(std::shared_ptr<const conf::Upstream> settings, TimePoint now);
  // Its endpoints drain; `sweep` forgets the cluster with the last of them.
  void remove_cluster(std::string_view name, TimePoint now);

  // What a probe found, or a worker met (`fail`, "refused"). An id that is gone is ignored: reports come
  // late.
  void report_verdict(EndpointId id, Verdict verdict, std::string cause, TimePoint now);
  // What a probe of new WebSockets found. It changes no state and makes no view.
  void report_sockets(EndpointId id, ProbeKind probe, Verdict verdict, std::string cause);
  void order(EndpointId id, AdminOrder order, std::string cause, TimePoint now);
  // Drops endpoints that are absent and empty. Called periodically.
  void sweep(TimePoint now);

  // The current view, or nullptr if there is no such cluster.
  [[nodiscard]] ClusterViewPtr view(std::string_view cluster) const;
  [[nodiscard]] std::vector<ClusterViewPtr> views() const;
  [[nodiscard]] std::vector<EndpointReport> report() const;

 private:
  struct Entry;
  struct Cluster;
  struct Update;

  void update_members(Update& update);
  [[nodiscard]] Entry* find(EndpointId id, Cluster*& cluster);
  [[nodiscard]] Entry make_entry(Cluster& cluster, const conf::Endpoint& configured);
  void publish(const Update& update);

  Listener listener_;
  std::map<std::string, std::unique_ptr<Cluster>, std::less<>>
      clusters_;  // by name, so that reports are in order
  std::unordered_map<EndpointId, Cluster*> owners_;
  EndpointId last_endpoint_ = 0;
  std::uint32_t last_cluster_ = 0;
  std::uint64_t last_version_ = 0;
};

}  // namespace tidegate::upstream
