#include "gateway/tunnel/departures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "gateway/process/worker.hpp"
#include "gateway/tunnel/tunnel.hpp"

namespace tidegate::gateway {
namespace {

// Enough for everybody, and small enough to be added up.
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint32_t>::max();
constexpr ReturnRoom kNoMatter{.places = kUnlimited, .reconnects_fail = false};
// Who leaves may still come: a handshake is under way.
constexpr std::chrono::milliseconds kLookForSome{100};

using Names = std::unordered_set<std::string_view>;

// As far as a tunnel keeps them.
std::string_view kept(std::string_view name) {
  return name.substr(0, KeptRecord::longest_text);
}

// Of a number that this worker has in common with others.
std::size_t portion(std::uint64_t whole, double share) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(whole) * share));
}

// At the endpoints that take new sockets, without the one that is left.
std::uint64_t free_places(const upstream::ClusterView& cluster, upstream::EndpointId left) {
  std::uint64_t places = 0;
  for (const auto& member : cluster.members) {
    const auto& endpoint = *member.endpoint;
    if (endpoint.id() == left || !endpoint.takes(true)) continue;
    const auto most = endpoint.max_connections();
    if (most == 0) return kUnlimited;
    places += static_cast<std::uint64_t>(std::max(0, most - endpoint.active()));
  }
  return places;
}

}  // namespace

void Departures::leave(const upstream::EndpointPtr& endpoint, std::uint32_t cluster, bool removed) {
  const auto [entry, begins] = endpoints_.try_emplace(endpoint->id(), endpoint, cluster);
  entry->second.removed = removed;
  if (begins) worker_.loop().wheel().arm(*this, worker_.now());
}

void Departures::review(const conf::Config& config) {
  Names names;
  for (const auto& route : config.routes) names.insert(kept(route.name));
  std::erase_if(routes_, [&](const auto& entry) { return names.contains(entry.second.name); });
  for (const auto& tunnel : worker_.tunnels()) {
    if (names.contains(tunnel->route())) {
      tunnel->route_left = 0;
    } else if (tunnel->route_left == 0) {
      part_from_route(*tunnel);
    }
  }
}

void Departures::review(Tunnel& tunnel, const conf::Config& config) {
  const auto& routes = config.routes;
  const bool is_there = std::any_of(routes.begin(), routes.end(), [name = tunnel.route()](const auto& route) {
    return kept(route.name) == name;
  });
  if (!is_there) part_from_route(tunnel);
}

void Departures::part_from_route(Tunnel& tunnel) {
  const auto name = tunnel.route();
  auto found = std::find_if(routes_.begin(), routes_.end(),
                            [name](const auto& entry) { return entry.second.name == name; });
  if (found == routes_.end()) {
    found = routes_.try_emplace(++routes_left_).first;
    found->second.name = name;
    worker_.loop().wheel().arm(*this, worker_.now());
  }
  tunnel.route_left = found->first;
}

void Departures::leave_all(net::TimePoint::duration window, Movable movable) {
  movable_ = movable;
  DeparturePlan plan;
  for (const auto& tunnel : worker_.tunnels()) plan.sockets += leaves_with_all(*tunnel) ? 1U : 0U;
  plan.window = plan.deadline = window;
  plan.seed = worker_.random();
  all_.emplace(plan, worker_.now());
  worker_.loop().wheel().arm(*this, worker_.now());
}

void Departures::on_deadline() {
  for (const auto& tunnel : worker_.tunnels()) call_up(*tunnel);
  auto next = std::min(look_at_endpoints(), look_at_routes());
  if (all_) next = std::min(next, look_at_all());
  if (next != net::TimePoint::max()) worker_.loop().wheel().arm(*this, next);
}

// Each has one departure, so that two do not make twice the pace: that of a route which is gone, or else that
// of an endpoint which drains.
void Departures::call_up(Tunnel& tunnel) {
  const auto join = [&](auto& from, conf::CloseCause cause) {
    if (!tunnel.is_ending()) {
      from.tunnels.push_back(&tunnel);
    } else if (from.departure && from.departure->is_late(worker_.now())) {
      tunnel.end(cause);  // a pod that goes on talking, or a client that hardly listens
    }
  };
  if (const auto left = routes_.find(tunnel.route_left); left != routes_.end()) {
    ++left->second.present;
    return join(left->second, conf::CloseCause::removed);
  }
  const auto found = endpoints_.find(tunnel.endpoint().id());
  if (found != endpoints_.end()) join(found->second, cause_of(found->second));
}

net::TimePoint Departures::look_at_endpoints() {
  auto next = net::TimePoint::max();
  for (auto at = endpoints_.begin(); at != endpoints_.end();) {
    auto& from = at->second;
    // A handshake may still be under way to it.
    if (from.tunnels.empty() && from.endpoint->active() == 0) {
      at = endpoints_.erase(at);
      continue;
    }
    next = std::min(next, look(from));
    from.tunnels.clear();
    ++at;
  }
  return next;
}

net::TimePoint Departures::look_at_routes() {
  auto next = net::TimePoint::max();
  std::erase_if(routes_, [](const auto& entry) { return entry.second.present == 0; });
  for (auto& [number, from] : routes_) {
    next = std::min(next, look(from));
    from.present = 0;
    from.tunnels.clear();
  }
  return next;
}

net::TimePoint Departures::look(FromEndpoint& from) {
  const auto now = worker_.now();
  if (!from.departure) {
    if (from.tunnels.empty()) return now + kLookForSome;
    from.departure.emplace(plan_of(from), now);
    from.served = worker_.cluster(from.cluster)->shared->handshakes.served();
  }
  const auto due = from.departure->take_due(now, from.tunnels.size(), room_for(from));
  from.absentees.leave(due, now);
  end_idle_first(from.tunnels, due, cause_of(from));
  return from.departure->next();
}

net::TimePoint Departures::look(FromRoute& from) {
  const auto now = worker_.now();
  if (!from.departure) {
    if (from.tunnels.empty()) return now + kLookForSome;
    from.departure.emplace(plan_of(from), now);
  }
  const auto due = from.departure->take_due(now, from.tunnels.size(), kNoMatter);
  end_idle_first(from.tunnels, due, conf::CloseCause::removed);
  return from.departure->next();
}

bool Departures::leaves_with_all(const Tunnel& tunnel) const {
  return !tunnel.is_ending() && (movable_ == Movable::leave || !tunnel.can_move());
}

net::TimePoint Departures::look_at_all() {
  std::vector<Tunnel*> open;
  for (const auto& tunnel : worker_.tunnels())
    if (leaves_with_all(*tunnel)) open.push_back(tunnel.get());
  const auto due = all_->take_due(worker_.now(), open.size(), kNoMatter);
  end_idle_first(open, due, conf::CloseCause::shutdown);
  return all_->next();
}

DeparturePlan Departures::plan_of(const FromEndpoint& from) const {
  const auto& settings = *worker_.cluster(from.cluster)->settings;
  const auto& drain = settings.drain;
  // Those who are sent away come back as handshakes.
  const auto most = drain.most_per_second == 0 ? settings.handshakes_per_second
                    : settings.handshakes_per_second == 0
                        ? drain.most_per_second
                        : std::min(drain.most_per_second, settings.handshakes_per_second);
  DeparturePlan plan;
  plan.sockets = from.tunnels.size();
  plan.window = drain.window;
  plan.deadline = drain.deadline;
  plan.most_per_second = most * share_of(from);
  plan.seed = from.endpoint->identity() ^ worker_.random();
  return plan;
}

// By the settings of the upstream that the first of them goes to: hardly ever there are two.
DeparturePlan Departures::plan_of(const FromRoute& from) const {
  DeparturePlan plan;
  plan.seed = worker_.random();
  plan.sockets = from.tunnels.size();
  const auto& drain = from.tunnels.front()->settings().drain;
  plan.window = drain.window;
  plan.deadline = drain.deadline;
  if (drain.most_per_second == 0) return plan;
  // Other workers have some of them, and nobody knows how many: this one's part of what the same endpoints
  // have is too small rather than too large.
  std::unordered_set<const upstream::Endpoint*> endpoints;
  for (const auto* tunnel : from.tunnels) endpoints.insert(&tunnel->endpoint());
  const double all = std::accumulate(endpoints.begin(), endpoints.end(), 0.0,
                                     [](double sum, const auto* e) { return sum + e->active(); });
  const auto mine = static_cast<double>(from.tunnels.size());
  plan.most_per_second = drain.most_per_second * mine / std::max(mine, all);
  return plan;
}

double Departures::share_of(const FromEndpoint& from) {
  const auto mine = static_cast<double>(from.tunnels.size());
  return mine == 0 ? 1 : mine / std::max(mine, static_cast<double>(from.endpoint->active()));
}

ReturnRoom Departures::room_for(FromEndpoint& from) const {
  if (from.removed) return kNoMatter;
  const auto& cluster = *worker_.cluster(from.cluster);
  const auto share = share_of(from);
  const auto served = cluster.shared->handshakes.served();
  from.absentees.come_back(portion(served - from.served, share));
  from.served = served;
  const auto waiting = static_cast<std::size_t>(std::max(0, cluster.shared->waiting.load()));
  const auto places = portion(free_places(cluster, from.endpoint->id()), share);
  // These were here first.
  const auto promised = portion(waiting, share) + from.absentees.count(worker_.now());
  ReturnRoom room;
  room.places = places - std::min(places, promised);
  room.reconnects_fail = waiting > 0 || cluster.shared->handshakes.failing(worker_.now());
  return room;
}

void Departures::rebalance(const upstream::ClusterView& cluster) {
  const auto& policy = cluster.settings->rebalance;
  if (cluster.shared->waiting.load() > 0 || cluster.shared->handshakes.failing(worker_.now())) return;
  std::vector<const upstream::Endpoint*> ready;
  std::vector<EndpointLoad> loads;
  double taken = 0;
  for (const auto& member : cluster.members) {
    if (!member.endpoint->takes(true)) continue;
    ready.push_back(member.endpoint.get());
    loads.push_back({member.endpoint->active(), member.weight});
    taken += loads.back().taken;
  }
  std::unordered_map<upstream::EndpointId, std::vector<Tunnel*>> mine;
  double own = 0;
  for (const auto* endpoint : ready) mine[endpoint->id()];
  for (const auto& tunnel : worker_.tunnels()) {
    const auto found = mine.find(tunnel->endpoint().id());
    if (found == mine.end()) continue;
    ++own;
    if (!tunnel->is_ending()) found->second.push_back(tunnel.get());
  }
  auto& credit = credits_[cluster.id];
  const double per_second = policy.per_second * (own == 0 ? 0 : own / std::max(own, taken));
  credit = std::min(credit + per_second, std::max(1.0, per_second));
  const auto surplus = surpluses(loads, policy.tolerance_percent);
  for (std::size_t i = 0; i < ready.size() && credit >= 1; ++i) {
    auto& tunnels = mine[ready[i]->id()];
    const auto count = std::min({surplus[i], static_cast<std::size_t>(credit), tunnels.size()});
    end_idle_first(tunnels, count, conf::CloseCause::rebalance);
    credit -= static_cast<double>(count);
  }
}

void Departures::end_idle_first(std::vector<Tunnel*>& tunnels, std::size_t count, conf::CloseCause cause) {
  if (count == 0) return;
  std::vector<net::TimePoint> active;
  active.reserve(tunnels.size());
  for (const auto* tunnel : tunnels) active.push_back(tunnel->last_active());
  for (const auto index : idle_longest(active, count)) tunnels[index]->leave(cause);
}

}  // namespace tidegate::gateway
