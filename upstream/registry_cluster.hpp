// What the registry keeps of a cluster and of its endpoints; for its own two files.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "upstream/registry.hpp"

namespace tidegate::upstream {

// One endpoint as control sees it. `state` is control's own record: the shared atomic may already say unready
// where a worker met a refusal whose report is still on its way.
struct Registry::Entry {
  EndpointPtr endpoint;
  Claims claims;
  int weight = 1;
  int priority = 0;
  Discovery discovery = Discovery::absent;  // what the claims came to when they were looked at last
  Verdict verdict = Verdict::unknown;
  AdminOrder admin = AdminOrder::none;
  EndpointState state = EndpointState::removed;
  SocketIntake sockets;
  Transition last;
  std::uint64_t transitions = 0;
};

struct Registry::Cluster {
  std::uint32_t id = 0;
  std::shared_ptr<const conf::Upstream> settings;
  std::shared_ptr<ClusterShared> shared = std::make_shared<ClusterShared>();
  std::vector<std::unique_ptr<Entry>> entries;  // in the order in which they came
  std::unordered_map<std::string, Entry*> by_address;
  StaleSources stale;
  std::shared_ptr<const Absence> absence;
  ClusterViewPtr view;
  TimePoint viewed{};       // when `view` was made
  bool view_due = false;    // something changed since
  bool ring_stale = false;  // a name changed, so the points did, though the members are the same
  bool removed = false;     // from the configuration; goes with its last endpoint
};

// One change of a cluster in progress: the states that moved are told after the view was made.
struct Registry::Update {
  struct Moved {
    EndpointPtr endpoint;
    Transition transition;
  };
  Cluster& cluster;
  TimePoint now;
  std::vector<Moved> moved = {};
  std::vector<std::pair<EndpointPtr, std::string>> sockets_moved = {};  // with the cause
  bool changed = false;  // something that a view shows, besides states

  void settle(Entry& entry, std::string_view cause);
  void settle_sockets(const Entry& entry, std::string_view cause);
};

}  // namespace tidegate::upstream
