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

#include "upstream/claims.hpp"
#include "upstream/cluster_view.hpp"
#include "upstream/discovery/source.hpp"
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
  int priority = 0;
  Discovery discovery{};  // what its sources say
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
  // may read the registry and must not change it. A removed cluster's last view has no members. Views of
  // large clusters cost time, so that changes which come close together have one view in common: then
  // `publish_later` asks for a call of `publish_late` in so long. What leaves is not picked meanwhile, since
  // the shared state is looked at before anything is sent.
  struct Listener {
    std::function<void(ClusterViewPtr)> view_changed;
    std::function<void(const EndpointPtr&, const std::string& cluster, const Transition&)> state_changed;
    // Whether the endpoint takes new WebSockets has changed, or there is one more reason why it does not.
    std::function<void(const EndpointPtr&, const std::string& cluster, const std::string& cause)>
        sockets_changed = {};
    std::function<void(Clock::duration)> publish_later = {};  // empty: every change has a view of its own
  };
  explicit Registry(Listener listener);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Adds a cluster or replaces its settings and the members that they list; names among these are left to
  // sources. Endpoints are told apart by address; one that stays keeps its id, state, counts and verdict, one
  // that vanished drains, one that returns meanwhile is probed anew.
  void set_cluster(std::shared_ptr<const conf::Upstream> settings, TimePoint now);
  // Its endpoints drain; `sweep` forgets the cluster with the last of them.
  void remove_cluster(std::string_view name, TimePoint now);

  // === what sources say; a cluster that is gone is ignored ===

  // An endpoint that several sources have is there as long as one of them has it.
  void discover(std::string_view cluster, SourceNumber source, const DiscoveryUpdate& update, TimePoint now);
  // The source is no more: what only it had leaves, for this cause.
  void withdraw_source(std::string_view cluster, SourceNumber source, std::string_view cause, TimePoint now);
  // Whether the source's word is too old: then nothing new goes to what it has, for this cause.
  void set_stale(std::string_view cluster, SourceNumber source, bool stale, std::string_view cause,
                 TimePoint now);
  // Why there are no endpoints yet; null: nothing keeps them.
  void explain_absence(std::string_view cluster, std::shared_ptr<const Absence> absence);

  // What a probe found, or a worker met (`fail`, "refused"). An id that is gone is ignored: reports come
  // late.
  void report_verdict(EndpointId id, Verdict verdict, std::string cause, TimePoint now);
  // What a probe of new WebSockets found. It changes no state and makes no view.
  void report_sockets(EndpointId id, ProbeKind probe, Verdict verdict, std::string cause);
  void order(EndpointId id, AdminOrder order, std::string cause, TimePoint now);
  // Drops endpoints that are absent and empty. Called periodically.
  void sweep(TimePoint now);
  // The views that were put off.
  void publish_late(TimePoint now);

  // The current view, or nullptr if there is no such cluster.
  [[nodiscard]] ClusterViewPtr view(std::string_view cluster) const;
  [[nodiscard]] std::vector<ClusterViewPtr> views() const;
  [[nodiscard]] std::vector<EndpointReport> report() const;
  // Some cluster has no endpoint that is ready and takes new WebSockets, and a probe that could say that one
  // is has not spoken.
  [[nodiscard]] bool awaits_first_verdict() const;
  // By its text; null if the cluster has none there.
  [[nodiscard]] EndpointPtr endpoint_at(std::string_view cluster, const std::string& address) const;

 private:
  struct Entry;
  struct Cluster;
  struct Update;

  [[nodiscard]] Cluster* find(std::string_view name);
  [[nodiscard]] Entry* find(EndpointId id, Cluster*& cluster);
  Entry& entry_for(Cluster& cluster, const DiscoveredEndpoint& offered);
  void take(Update& update, SourceNumber source, const Reset& reset);
  void take(Update& update, SourceNumber source, const Upsert& upsert);
  void take(Update& update, SourceNumber source, const Remove& removed);
  void offer(Update& update, SourceNumber source, const DiscoveredEndpoint& offered, std::string_view cause);
  static void withdraw(Update& update, Entry& entry, SourceNumber source, std::string_view cause);
  static const DiscoveredEndpoint& adopt_best(Update& update, Entry& entry);
  void publish(const Update& update);
  void publish_view(Cluster& cluster, TimePoint now);
  [[nodiscard]] std::shared_ptr<ClusterView> make_view(const Cluster& cluster);

  Listener listener_;
  std::map<std::string, std::unique_ptr<Cluster>, std::less<>>
      clusters_;  // by name, so that reports are in order
  std::unordered_map<EndpointId, std::pair<Cluster*, Entry*>> owners_;
  EndpointId last_endpoint_ = 0;
  std::uint32_t last_cluster_ = 0;
  std::uint64_t last_roster_ = 0;
};

}  // namespace tidegate::upstream
