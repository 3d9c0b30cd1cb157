// The truth about all endpoints, owned by the control thread: facts in, states and new views out.
// Not thread-safe: every call is made on the control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "upstream/cluster_view.hpp"

namespace tidegate::upstream {

// Why an endpoint changed its state, kept for logs and /endpoints.
struct Transition {
  EndpointState from{};
  EndpointState to{};
  std::string cause;                                // e.g. "refused", "probe: HTTP 500", "added"
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
};

class Registry {
 public:
  // Told on the control thread after the endpoint's shared state was stored and the view was made.
  struct Listener {
    std::function<void(ClusterViewPtr)> view_changed;
    std::function<void(const EndpointPtr&, const std::string& cluster, const Transition&)> state_changed;
  };
  explicit Registry(Listener listener);
  ~Registry();

  // Adds a cluster or replaces its settings and static members; unchanged endpoints keep state, counts and verdict.
  void set_cluster(std::shared_ptr<const conf::Upstream> settings, TimePoint now);
  void remove_cluster(std::string_view name, TimePoint now);

  void report_verdict(EndpointId id, Verdict verdict, std::string cause, TimePoint now);
  void order(EndpointId id, AdminOrder order, std::string cause, TimePoint now);
  // Drops endpoints that are absent and empty. Called periodically.
  void sweep(TimePoint now);

  [[nodiscard]] ClusterViewPtr view(std::string_view cluster) const;
  [[nodiscard]] std::vector<ClusterViewPtr> views() const;
  [[nodiscard]] std::vector<EndpointReport> report() const;

 private:
  struct Cluster;
  Listener listener_;
  std::unordered_map<std::string, std::unique_ptr<Cluster>> clusters_;
};

}  // namespace tidegate::upstream
