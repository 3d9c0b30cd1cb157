// The registry's other half: what it knows as views for workers and as reports.
#include <algorithm>
#include <map>
#include <utility>

#include "upstream/registry_cluster.hpp"

namespace tidegate::upstream {
namespace {

// Of the time, views of a large cluster may take the control thread no more than about a tenth: one of n
// members costs it and each worker a few tenths of a microsecond for each.
constexpr std::chrono::microseconds kPausePerMember{4};
constexpr std::size_t kPausesFrom = 128;  // members: below it nobody waits

bool same_members(const std::vector<Member>& before, const std::vector<Member>& after) {
  return std::ranges::equal(before, after, [](const Member& a, const Member& b) {
    return a.endpoint == b.endpoint && a.weight == b.weight;
  });
}

// The ready ones by priority: the first of these are picked, the others are spare.
void sort_ready(ClusterView& view) {
  std::map<int, std::vector<std::uint32_t>> by_priority;
  for (std::uint32_t index = 0; index < view.members.size(); ++index) {
    if (view.members[index].endpoint->state() == EndpointState::ready)
      by_priority[view.members[index].priority].push_back(index);
  }
  for (auto& [priority, members] : by_priority) {
    if (priority == by_priority.begin()->first) {
      view.eligible = std::move(members);
    } else {
      view.spare.insert(view.spare.end(), members.begin(), members.end());
    }
  }
  if (view.eligible.empty()) return;
  const auto weight = [&](std::uint32_t index) { return view.members[index].weight; };
  const auto [least, greatest] = std::ranges::minmax(view.eligible, {}, weight);
  view.greatest_weight = weight(greatest);
  view.even = weight(least) == weight(greatest);
}

}  // namespace

void Registry::publish(const Update& update) {
  auto& cluster = update.cluster;
  if (listener_.state_changed) {
    for (const auto& moved : update.moved)
      listener_.state_changed(moved.endpoint, cluster.settings->name, moved.transition);
  }
  if (listener_.sockets_changed) {
    for (const auto& [endpoint, cause] : update.sockets_moved)
      listener_.sockets_changed(endpoint, cluster.settings->name, cause);
  }
  if (update.moved.empty() && !update.changed) return;
  const bool waits = listener_.publish_later && cluster.entries.size() >= kPausesFrom;
  const auto due = cluster.viewed + kPausePerMember * cluster.entries.size();
  if (!waits || update.now >= due || cluster.viewed == TimePoint{}) return publish_view(cluster, update.now);
  if (!std::exchange(cluster.view_due, true)) listener_.publish_later(due - update.now);
}

void Registry::publish_late(TimePoint now) {
  for (const auto& [name, cluster] : clusters_)
    if (cluster->view_due) publish_view(*cluster, now);
}

void Registry::publish_view(Cluster& cluster, TimePoint now) {
  std::erase_if(cluster.entries, [&](const std::unique_ptr<Entry>& entry) {
    if (entry->state != EndpointState::removed) return false;
    cluster.by_address.erase(entry->endpoint->address_text());
    return owners_.erase(entry->endpoint->id()) == 1;
  });
  auto view = make_view(cluster);
  cluster.ring_stale = cluster.view_due = false;
  cluster.viewed = now;
  cluster.view = view;
  if (listener_.view_changed) listener_.view_changed(std::move(view));
}

std::shared_ptr<ClusterView> Registry::make_view(const Cluster& cluster) {
  auto view = std::make_shared<ClusterView>();
  view->id = cluster.id;
  view->settings = cluster.settings;
  view->shared = cluster.shared;
  view->removed = cluster.removed;
  view->absence = cluster.absence;
  view->members.reserve(cluster.entries.size());
  for (const auto& entry : cluster.entries)
    view->members.push_back({entry->endpoint, entry->weight, entry->priority});
  sort_ready(*view);
  const auto* const before = cluster.view.get();
  const bool same = before != nullptr && !cluster.ring_stale && same_members(before->members, view->members);
  view->roster = same ? before->roster : ++last_roster_;
  const auto kind = cluster.settings->balance.kind;
  if (kind == conf::Balance::hash)
    view->ring = same && before->ring ? before->ring : make_hash_ring(view->members);
  if (kind == conf::Balance::sticky)
    view->sticky = same && before->sticky ? before->sticky : make_sticky_index(view->members);
  return view;
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

EndpointPtr Registry::endpoint_at(std::string_view cluster, const std::string& address) const {
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end()) return nullptr;
  const auto entry = found->second->by_address.find(address);
  return entry == found->second->by_address.end() ? nullptr : entry->second->endpoint;
}

bool Registry::awaits_first_verdict() const {
  return std::ranges::any_of(clusters_, [](const auto& named) {
    bool serves = false;
    bool awaited = false;
    for (const auto& entry : named.second->entries) {
      const bool ready = entry->state == EndpointState::ready;
      serves = serves || (ready && entry->sockets.open());
      awaited = awaited || entry->state == EndpointState::probing || (ready && entry->sockets.awaits_word());
    }
    return awaited && !serves;
  });
}

std::vector<EndpointReport> Registry::report() const {
  std::vector<EndpointReport> reports;
  for (const auto& [name, cluster] : clusters_) {
    for (const auto& entry : cluster->entries) {
      reports.push_back({name, entry->endpoint->id(), entry->endpoint->name(),
                         entry->endpoint->address_text(), entry->weight, entry->priority, entry->discovery,
                         entry->state, entry->endpoint->active(), entry->last, entry->transitions,
                         entry->admin == AdminOrder::drain, entry->sockets});
    }
  }
  return reports;
}

}  // namespace tidegate::upstream
