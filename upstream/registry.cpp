#include "upstream/registry.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace tidegate::upstream {

// One endpoint as control sees it. `state` is control's own record: the shared atomic may already say unready
// where a worker met a refusal whose report is still on its way.
struct Registry::Entry {
  EndpointPtr endpoint;
  int weight = 1;
  Discovery discovery = Discovery::present;
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
  std::vector<Entry> entries;  // as configured, then those that vanished
  ClusterViewPtr view;
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
  std::vector<Moved> moved;
  std::vector<std::pair<EndpointPtr, std::string>> sockets_moved = {};  // with the cause

  void settle(Entry& entry, std::string_view cause);
  void settle_sockets(const Entry& entry, std::string_view cause);
};

// Derives the entry's state from its facts and, if it is new, stores it where workers read it.
void Registry::Update::settle(Entry& entry, std::string_view cause) {
  auto& endpoint = *entry.endpoint;
  EndpointFacts facts;
  facts.discovery = entry.discovery;
  facts.admin = entry.admin;
  facts.probed = cluster.settings->probe.has_value();
  facts.virtual_address = cluster.settings->virtual_address;
  facts.empty = endpoint.active() == 0;
  const bool leaves = entry.discovery != Discovery::present || entry.admin == AdminOrder::drain;
  if (entry.state == EndpointState::draining && !leaves) {
    entry.verdict = Verdict::unknown;
    entry.sockets.forget();
  }
  settle_sockets(entry, cause);  // before it can be picked
  facts.verdict = entry.verdict;

  const auto state = derive_state(facts);
  if (state == entry.state) return;
  if (state == EndpointState::ready) endpoint.set_ready_since(now);  // before it can be picked
  endpoint.set_state(state);
  entry.last = {entry.state, state, std::string(cause), now, std::chrono::system_clock::now()};
  entry.state = state;
  ++entry.transitions;
  moved.push_back({entry.endpoint, entry.last});
}

void Registry::Update::settle_sockets(const Entry& entry, std::string_view cause) {
  const bool open = entry.sockets.open();
  if (entry.endpoint->takes_new_sockets() == open) return;
  entry.endpoint->set_takes_new_sockets(open);
  if (entry.state == EndpointState::removed) return;  // a new one waits for its first verdict
  sockets_moved.emplace_back(entry.endpoint, open ? std::string(cause) : entry.sockets.objections());
}

namespace {

bool same_members(const std::vector<Member>& before, const std::vector<Member>& after) {
  return std::ranges::equal(before, after, [](const Member& a, const Member& b) {
    return a.endpoint == b.endpoint && a.weight == b.weight;
  });
}

std::string name_in(const conf::Endpoint& configured) {
  return configured.name.empty() ? configured.address.text() : configured.name;
}

}  // namespace

Registry::Registry(Listener listener) : listener_(std::move(listener)) {}
Registry::~Registry() = default;

// === facts in ===

void Registry::set_cluster(std::shared_ptr<const conf::Upstream> settings, TimePoint now) {
  auto& cluster = clusters_[settings->name];
  if (!cluster) {
    cluster = std::make_unique<Cluster>();
    cluster->id = ++last_cluster_;
  }
  cluster->settings = std::move(settings);
  cluster->removed = false;
  Update update{*cluster, now, {}};
  update_members(update);
  publish(update);
}

Registry::Entry Registry::make_entry(Cluster& cluster, const conf::Endpoint& configured) {
  Entry entry;
  entry.endpoint = std::make_shared<Endpoint>(++last_endpoint_, name_in(configured), configured.address,
                                              cluster.settings->max_connections);
  owners_[entry.endpoint->id()] = &cluster;
  return entry;
}

void Registry::update_members(Update& update) {
  auto& cluster = update.cluster;
  std::unordered_map<std::string, Entry> known;  // by address
  std::vector<std::string> order;
  for (auto& entry : std::exchange(cluster.entries, {})) {
    order.push_back(entry.endpoint->address_text());
    known.emplace(order.back(), std::move(entry));
  }
  std::unordered_set<std::string> seen;
  for (const auto& configured : cluster.settings->endpoints) {
    auto address = configured.address.text();
    if (!seen.insert(address).second) continue;
    auto node = known.extract(address);
    auto entry = node.empty() ? make_entry(cluster, configured) : std::move(node.mapped());
    auto& endpoint = *entry.endpoint;
    const auto* cause = node.empty() ? "added" : "configuration changed";
    if (entry.discovery != Discovery::present) cause = "added again";
    if (auto name = name_in(configured); endpoint.name() != name) {
      endpoint.rename(std::move(name));
      cluster.ring_stale = true;
    }
    endpoint.set_max_connections(cluster.settings->max_connections);
    entry.weight = configured.weight;
    entry.discovery = Discovery::present;
    entry.sockets.configure(*cluster.settings, endpoint.takes(true));
    // A probe that is new with this configuration takes nothing out before it has spoken.
    if (entry.state == EndpointState::ready && entry.verdict == Verdict::unknown)
      entry.verdict = Verdict::pass;
    update.settle(entry, cause);
    cluster.entries.push_back(std::move(entry));
  }
  for (const auto& address : order) {
    auto node = known.extract(address);
    if (node.empty()) continue;
    node.mapped().discovery = Discovery::absent;
    update.settle(node.mapped(), "no longer configured");
    cluster.entries.push_back(std::move(node.mapped()));
  }
}

void Registry::remove_cluster(std::string_view name, TimePoint now) {
  const auto found = clusters_.find(name);
  if (found == clusters_.end()) return;
  auto& cluster = *found->second;
  cluster.removed = true;
  Update update{cluster, now, {}};
  for (auto& entry : cluster.entries) {
    entry.discovery = Discovery::absent;
    update.settle(entry, "upstream no longer configured");
  }
  publish(update);
}

Registry::Entry* Registry::find(EndpointId id, Cluster*& cluster) {
  const auto owner = owners_.find(id);
  if (owner == owners_.end()) return nullptr;
  cluster = owner->second;
  const auto found =
      std::ranges::find(cluster->entries, id, [](const Entry& entry) { return entry.endpoint->id(); });
  return found == cluster->entries.end() ? nullptr : &*found;
}

void Registry::report_verdict(EndpointId id, Verdict verdict, std::string cause, TimePoint now) {
  Cluster* cluster = nullptr;
  auto* const entry = find(id, cluster);
  if (entry == nullptr) return;
  entry->verdict = verdict;
  Update update{*cluster, now, {}};
  update.settle(*entry, cause);
  if (!update.moved.empty()) return publish(update);
  // A worker may have taken out what stays ready by its facts (a virtual address).
  if (verdict == Verdict::fail) entry->endpoint->set_state(entry->state);
}

void Registry::report_sockets(EndpointId id, ProbeKind probe, Verdict verdict, std::string cause) {
  Cluster* cluster = nullptr;
  auto* const entry = find(id, cluster);
  if (entry == nullptr || !entry->sockets.report(probe, verdict, cause)) return;
  const bool open = entry->sockets.open();
  entry->endpoint->set_takes_new_sockets(open);
  if (!listener_.sockets_changed) return;
  const auto why = open ? std::string(name_of(probe)) + ": " + cause : entry->sockets.objections();
  listener_.sockets_changed(entry->endpoint, cluster->settings->name, why);
}

void Registry::order(EndpointId id, AdminOrder order, std::string cause, TimePoint now) {
  Cluster* cluster = nullptr;
  auto* const entry = find(id, cluster);
  if (entry == nullptr) return;
  entry->admin = order;
  Update update{*cluster, now, {}};
  update.settle(*entry, cause);
  if (!update.moved.empty()) publish(update);
}

void Registry::sweep(TimePoint now) {
  for (auto next = clusters_.begin(); next != clusters_.end();) {
    const auto current = next++;
    auto& cluster = *current->second;
    Update update{cluster, now, {}};
    for (auto& entry : cluster.entries) {
      if (entry.discovery == Discovery::absent) update.settle(entry, "empty");
    }
    if (!update.moved.empty()) publish(update);
    if (cluster.removed && cluster.entries.empty()) clusters_.erase(current);
  }
}

// === views out ===

void Registry::publish(const Update& update) {
  auto& cluster = update.cluster;
  std::erase_if(cluster.entries, [&](const Entry& entry) {
    return entry.state == EndpointState::removed && owners_.erase(entry.endpoint->id()) == 1;
  });

  auto view = std::make_shared<ClusterView>();
  view->id = cluster.id;
  view->version = ++last_version_;
  view->settings = cluster.settings;
  view->shared = cluster.shared;
  view->removed = cluster.removed;
  view->members.reserve(cluster.entries.size());
  for (const auto& entry : cluster.entries) {
    if (entry.state == EndpointState::ready) {
      view->eligible.push_back(static_cast<std::uint32_t>(view->members.size()));
    }
    view->members.push_back({entry.endpoint, entry.weight});
  }
  if (cluster.settings->balance.kind == conf::Balance::hash) {
    const auto& before = cluster.view;
    const bool keep =
        before && before->ring && !cluster.ring_stale && same_members(before->members, view->members);
    view->ring = keep ? before->ring : make_hash_ring(view->members);
  }
  cluster.ring_stale = false;
  cluster.view = std::move(view);

  const auto published = cluster.view;
  if (listener_.state_changed) {
    for (const auto& moved : update.moved) {
      listener_.state_changed(moved.endpoint, cluster.settings->name, moved.transition);
    }
  }
  if (listener_.sockets_changed) {
    for (const auto& [endpoint, cause] : update.sockets_moved)
      listener_.sockets_changed(endpoint, cluster.settings->name, cause);
  }
  if (listener_.view_changed) listener_.view_changed(published);
}

ClusterViewPtr Registry::view(std::string_view cluster) const {
  const auto found = clusters_.find(cluster);
  return found == clusters_.end() ? nullptr : found->second->view;
}

std::vector<ClusterViewPtr> Registry::views() const {
  std::vector<ClusterViewPtr> views;
  views.reserve(clusters_.size());
  for (const auto& [name, cluster] : clusters_) views.push_back(cluster->view);
  return views;
}

std::vector<EndpointReport> Registry::report() const {
  std::vector<EndpointReport> reports;
  for (const auto& [name, cluster] : clusters_) {
    for (const auto& entry : cluster->entries) {
      reports.push_back({name, entry.endpoint->id(), entry.endpoint->name(), entry.endpoint->address_text(),
                         entry.weight, entry.state, entry.endpoint->active(), entry.last, entry.transitions,
                         entry.admin == AdminOrder::drain, entry.sockets});
    }
  }
  return reports;
}

}  // namespace tidegate::upstream
