#include "upstream/registry.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "upstream/registry_cluster.hpp"

namespace tidegate::upstream {
namespace {

// What the configuration lists; names are for sources to follow.
Reset listed_in(const conf::Upstream& settings) {
  Reset reset;
  reset.cause = "no longer configured";
  for (const auto& configured : settings.endpoints) {
    if (configured.address.is_name()) continue;
    DiscoveredEndpoint offered;
    offered.address = configured.address;
    offered.weight = configured.weight;
    offered.name = configured.name;
    reset.endpoints.push_back(std::move(offered));
  }
  return reset;
}

}  // namespace

// Derives the entry's state from its facts and, if it is new, stores it where workers read it.
void Registry::Update::settle(Entry& entry, std::string_view cause) {
  auto& endpoint = *entry.endpoint;
  const auto before = std::exchange(entry.discovery, entry.claims.discovery(cluster.stale));
  const bool drained = entry.state == EndpointState::draining;
  const bool leaves = entry.discovery != Discovery::present || entry.admin == AdminOrder::drain;
  // Nobody has asked it while it drained.
  const bool returns = drained && entry.admin != AdminOrder::drain &&
                       entry.discovery != Discovery::draining && entry.discovery != Discovery::absent;
  if (returns) entry.sockets.forget();
  if ((drained || before == Discovery::not_serving) && !leaves) entry.verdict = Verdict::unknown;
  settle_sockets(entry, cause);  // before it can be picked
  EndpointFacts facts;
  facts.discovery = entry.discovery;
  facts.admin = entry.admin;
  facts.probed = cluster.settings->probe.has_value();
  facts.virtual_address = cluster.settings->virtual_address;
  facts.empty = endpoint.active() == 0;
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

Registry::Registry(Listener listener) : listener_(std::move(listener)) {}
Registry::~Registry() = default;

Registry::Cluster* Registry::find(std::string_view name) {
  const auto found = clusters_.find(name);
  return found == clusters_.end() ? nullptr : found->second.get();
}

Registry::Entry* Registry::find(EndpointId id, Cluster*& cluster) {
  const auto owner = owners_.find(id);
  if (owner == owners_.end()) return nullptr;
  cluster = owner->second.first;
  return owner->second.second;
}

// === clusters ===

void Registry::set_cluster(std::shared_ptr<const conf::Upstream> settings, TimePoint now) {
  auto& cluster = clusters_[settings->name];
  if (!cluster) {
    cluster = std::make_unique<Cluster>();
    cluster->id = ++last_cluster_;
  }
  cluster->settings = std::move(settings);
  cluster->removed = false;
  Update update{*cluster, now};
  for (const auto& entry : cluster->entries) {
    entry->endpoint->set_max_connections(cluster->settings->max_connections);
    entry->sockets.configure(*cluster->settings, entry->endpoint->takes(true));
    // A probe that is new with this configuration takes nothing out before it has spoken.
    if (entry->state == EndpointState::ready && entry->verdict == Verdict::unknown)
      entry->verdict = Verdict::pass;
    if (!entry->claims.has(listed)) update.settle(*entry, "configuration changed");
  }
  take(update, listed, listed_in(*cluster->settings));
  cluster->viewed = {};  // those who gave the settings go by them at once
  update.changed = true;
  publish(update);
}

void Registry::remove_cluster(std::string_view name, TimePoint now) {
  auto* const cluster = find(name);
  if (cluster == nullptr) return;
  cluster->removed = true;
  Update update{*cluster, now};
  for (const auto& entry : cluster->entries) {
    entry->claims = {};
    update.settle(*entry, "upstream no longer configured");
  }
  cluster->viewed = {};
  update.changed = true;
  publish(update);
}

// === what sources say ===

void Registry::discover(std::string_view name, SourceNumber source, const DiscoveryUpdate& said,
                        TimePoint now) {
  auto* const cluster = find(name);
  if (cluster == nullptr || cluster->removed) return;
  Update update{*cluster, now};
  std::visit([&](const auto& kind) { take(update, source, kind); }, said);
  publish(update);
}

void Registry::take(Update& update, SourceNumber source, const Reset& reset) {
  std::unordered_set<const Entry*> seen;
  auto& cluster = update.cluster;
  for (const auto& offered : reset.endpoints) {
    auto& entry = entry_for(cluster, offered);
    if (!seen.insert(&entry).second) continue;  // written twice
    offer(update, source, offered, source == listed ? "configuration changed" : "discovered");
  }
  for (const auto& entry : cluster.entries) {
    if (!entry->claims.has(source) || seen.contains(entry.get())) continue;
    withdraw(update, *entry, source, reset.cause);
  }
}

void Registry::take(Update& update, SourceNumber source, const Upsert& upsert) {
  for (const auto& offered : upsert.endpoints) offer(update, source, offered, "discovered");
}

void Registry::take(Update& update, SourceNumber source, const Remove& removed) {
  auto& known = update.cluster.by_address;
  for (const auto& address : removed.addresses) {
    const auto found = known.find(address.text());
    if (found == known.end() || !found->second->claims.has(source)) continue;
    withdraw(update, *found->second, source, removed.cause);
  }
}

Registry::Entry& Registry::entry_for(Cluster& cluster, const DiscoveredEndpoint& offered) {
  auto& place = cluster.by_address[offered.address.text()];
  if (place != nullptr) return *place;
  auto entry = std::make_unique<Entry>();
  const auto address = offered.address.text();
  entry->endpoint =
      std::make_shared<Endpoint>(++last_endpoint_, offered.name.empty() ? address : offered.name,
                                 offered.address, cluster.settings->max_connections, offered.host);
  entry->sockets.configure(*cluster.settings, entry->endpoint->takes(true));
  place = entry.get();
  owners_[entry->endpoint->id()] = {&cluster, place};
  cluster.entries.push_back(std::move(entry));
  return *place;
}

void Registry::offer(Update& update, SourceNumber source, const DiscoveredEndpoint& offered,
                     std::string_view cause) {
  auto& cluster = update.cluster;
  auto& entry = entry_for(cluster, offered);
  if (entry.state == EndpointState::removed) {
    cause = "added";
    entry.sockets.forget();
    entry.verdict = Verdict::unknown;  // of one that was there before and is not out of the list yet
  } else if (entry.discovery == Discovery::absent) {
    cause = "added again";
  }
  entry.claims.set(source, offered);
  const auto& best = adopt_best(update, entry);
  update.settle(entry, best.cause.empty() ? cause : std::string_view(best.cause));
}

void Registry::withdraw(Update& update, Entry& entry, SourceNumber source, std::string_view cause) {
  entry.claims.withdraw(source);
  if (!entry.claims.empty()) adopt_best(update, entry);
  update.settle(entry, cause);
}

// What the best of those who claim it says of it is so.
const DiscoveredEndpoint& Registry::adopt_best(Update& update, Entry& entry) {
  auto& cluster = update.cluster;
  auto& endpoint = *entry.endpoint;
  const auto& best = entry.claims.best(cluster.stale);
  const auto& name = best.name.empty() ? endpoint.address_text() : best.name;
  if (endpoint.name() != name) cluster.ring_stale = update.changed = true;
  endpoint.rename(name, best.host);
  update.changed = update.changed || entry.weight != best.weight || entry.priority != best.priority;
  entry.weight = best.weight;
  entry.priority = best.priority;
  endpoint.set_dual_stack(best.dual_stack);
  return best;
}

void Registry::withdraw_source(std::string_view name, SourceNumber source, std::string_view cause,
                               TimePoint now) {
  auto* const cluster = find(name);
  if (cluster == nullptr) return;
  std::erase(cluster->stale, source);
  Update update{*cluster, now};
  take(update, source, Reset{{}, std::string(cause)});
  publish(update);
}

void Registry::set_stale(std::string_view name, SourceNumber source, bool stale, std::string_view cause,
                         TimePoint now) {
  auto* const cluster = find(name);
  if (cluster == nullptr) return;
  std::erase(cluster->stale, source);
  if (stale) cluster->stale.push_back(source);
  Update update{*cluster, now};
  for (const auto& entry : cluster->entries) {
    if (!entry->claims.has(source)) continue;
    adopt_best(update, *entry);
    update.settle(*entry, cause);
  }
  publish(update);
}

void Registry::explain_absence(std::string_view name, std::shared_ptr<const Absence> absence) {
  auto* const cluster = find(name);
  if (cluster == nullptr || (cluster->absence == nullptr && absence == nullptr)) return;
  if (cluster->absence && absence && cluster->absence->why == absence->why) return;
  cluster->absence = std::move(absence);
  Update update{*cluster, Clock::now()};
  update.changed = true;
  publish(update);
}

// === what is found out about one endpoint ===

void Registry::report_verdict(EndpointId id, Verdict verdict, std::string cause, TimePoint now) {
  Cluster* cluster = nullptr;
  auto* const entry = find(id, cluster);
  if (entry == nullptr) return;
  entry->verdict = verdict;
  Update update{*cluster, now};
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
  Update update{*cluster, now};
  update.settle(*entry, cause);
  publish(update);
}

void Registry::sweep(TimePoint now) {
  for (auto next = clusters_.begin(); next != clusters_.end();) {
    const auto current = next++;
    auto& cluster = *current->second;
    Update update{cluster, now};
    for (const auto& entry : cluster.entries) {
      if (entry->discovery == Discovery::absent) update.settle(*entry, "empty");
    }
    publish(update);
    if (cluster.removed && cluster.entries.empty()) clusters_.erase(current);
  }
}

}  // namespace tidegate::upstream
