// How control takes over a configuration: at start, at a reload, and when certificates are renewed.
#include <algorithm>

#include "gateway/process/config_diff.hpp"
#include "gateway/process/control.hpp"
#include "gateway/process/worker.hpp"

namespace tidegate::gateway {
namespace {

const conf::Upstream* find(const conf::Config& config, const std::string& name) {
  const auto found = std::find_if(config.upstreams.begin(), config.upstreams.end(),
                                  [&](const auto& upstream) { return upstream.name == name; });
  return found == config.upstreams.end() ? nullptr : &*found;
}

std::shared_ptr<const net::TlsClient> tls_of(const WorkerView& view, const std::string& name) {
  const auto& upstreams = view.config->upstreams;
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    if (upstreams[i].name == name) return view.tls->upstreams[i];
  }
  return nullptr;
}

}  // namespace

void Control::add_worker(Worker& worker) {
  workers_.push_back(&worker);
  // In the order in which the others were told.
  for (const auto& [id, cluster] : views_)
    worker.post([w = &worker, view = cluster] { w->set_cluster(view); });
  if (view_) worker.post([w = &worker, view = view_] { w->set_view(view); });
}

void Control::apply(std::shared_ptr<WorkerView> view, Metrics& metrics) {
  const auto now = upstream::Clock::now();
  const auto& config = *view->config;
  health::TlsClients clients;
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    if (view->tls->upstreams[i]) clients.emplace(config.upstreams[i].name, view->tls->upstreams[i]);
  }
  checker_.set_tls(std::move(clients));
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    const auto& settings = config.upstreams[i];
    const bool same_tls = !view_ || tls_of(*view_, settings.name) == view->tls->upstreams[i];
    view->upstreams.push_back(take_upstream(settings, same_tls, now));
    const auto cluster = registry_.view(settings.name);
    cluster->shared->pace.set_rate(settings.handshakes_per_second);
    view->cluster_ids.push_back(cluster->id);
    view->series.push_back(&metrics.upstream(settings.name));
  }
  discovery_.apply(config, now);
  total_pace_.set_rate(config.handshakes_per_second);
  view->limits = limits_.take(config.limits);
  const auto before = std::exchange(view_, std::move(view));
  for (auto* worker : workers_) worker->post([worker, posted = view_] { worker->set_view(posted); });
  if (before) part_from_upstreams(before, config, now);
}

// The cluster's settings; the object that it has already, if it says the same: requests, tunnels and idle
// connections go by it.
std::shared_ptr<const conf::Upstream> Control::take_upstream(const conf::Upstream& settings, bool same_tls,
                                                             upstream::TimePoint now) {
  const auto leaves = std::erase_if(leaving_, [&](const auto& gone) { return gone.name == settings.name; });
  const auto cluster = registry_.view(settings.name);
  const bool stays = leaves > 0 || (view_ && find(*view_->config, settings.name) != nullptr);
  if (cluster && stays && same_tls && *cluster->settings == settings) return cluster->settings;
  if (cluster && (!same_tls || !keeps_pool(*cluster->settings, settings))) {
    for (const auto& member : cluster->members) member.endpoint->expire_pools();
  }
  auto taken = std::make_shared<const conf::Upstream>(settings);
  registry_.set_cluster(taken, now);
  return taken;
}

void Control::part_from_upstreams(const WorkerViewPtr& before, const conf::Config& after,
                                  upstream::TimePoint now) {
  std::erase_if(earlier_, [](const auto& view) { return view.expired(); });
  earlier_.push_back(before);
  for (const auto& upstream : before->config->upstreams) {
    if (find(after, upstream.name) == nullptr)
      leaving_.push_back({upstream.name, earlier_, now + upstream.retry.total});
  }
}

// A request takes its endpoint within `retry.total`: after that nobody waits for an upstream that is gone.
void Control::remove_unwanted(upstream::TimePoint now) {
  std::erase_if(leaving_, [&](const LeavingCluster& gone) {
    const bool wanted =
        std::any_of(gone.views.begin(), gone.views.end(), [](const auto& view) { return !view.expired(); });
    if (wanted && now < gone.latest) return false;
    registry_.remove_cluster(gone.name, now);
    return true;
  });
}

// What the registry has forgotten.
void Control::forget_clusters() {
  const auto known = registry_.views();
  if (known.size() == views_.size()) return;
  const auto is_known = [&](std::uint32_t id) {
    return std::any_of(known.begin(), known.end(), [id](const auto& view) { return view->id == id; });
  };
  std::erase_if(views_, [&](const auto& entry) { return !is_known(entry.first); });
  for (auto next = rooms_.begin(); next != rooms_.end();) {
    const auto room = next++;
    if (!is_known(room->first) && room->second.empty()) rooms_.erase(room);
  }
}

}  // namespace tidegate::gateway
