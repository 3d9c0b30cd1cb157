// How another process takes over from this one, and how this one takes over from another.
#include <map>

#include <boost/asio/post.hpp>
#include <spdlog/logger.h>
#include <unistd.h>

#include "conf/addresses.hpp"
#include "gateway/handover/archive.hpp"
#include "gateway/process/gateway.hpp"
#include "gateway/process/version.hpp"
#include "gateway/process/worker.hpp"
#include "gateway/tunnel/tunnel.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::chrono::milliseconds kParting{500};  // for the answer to who ordered it

LimitAsk ask_of(const HeldPlace& held) {
  LimitAsk ask;
  ask.connection = held.connection;
  ask.websocket = held.websocket;
  return ask;
}

std::shared_ptr<const conf::WebSocketPolicy> watched() {
  conf::WebSocketPolicy policy;
  policy.inspect = conf::Inspect::watch;
  return std::make_shared<const conf::WebSocketPolicy>(policy);
}

}  // namespace

// === from this one ===

std::string Gateway::upgrade_refusal() const {
  if (self_.program.empty()) return "this gateway was not started as a program of its own";
  if (::getpid() == 1)
    return "this is process 1 of its container, which ends with it: replace the container instead";
  if (upgrade_.is_under_way()) return "another upgrade is under way";
  if (phase_ != Phase::serving) return "the gateway is draining or shutting down already";
  return {};
}

void Gateway::upgrade(std::string program, Upgrade::Done done) {
  boost::asio::post(context_, [this, program = std::move(program), done = std::move(done)]() mutable {
    const auto report = [this, done = std::move(done)](const UpgradeOutcome& outcome) {
      if (outcome.succeeded) {
        error_log_.logger()->warn("upgrade: {}", outcome.text);
      } else {
        error_log_.logger()->error("upgrade failed, this process goes on: {}", outcome.text);
      }
      if (done) done(outcome);
      if (outcome.succeeded) give_way(outcome.pid);
    };
    if (const auto why = upgrade_refusal(); !why.empty()) return report({false, why, -1});
    auto successor = self_;
    if (!program.empty()) successor.program = std::move(program);
    error_log_.logger()->info("upgrade: starting {}", successor.program);
    try {
      upgrade_.begin(upgrade_order(std::move(successor)), report);
    } catch (const std::exception& error) {
      report({false, error.what(), -1});
    }
  });
}

UpgradeOrder Gateway::upgrade_order(SuccessorProgram program) {
  UpgradeOrder order;
  order.program = std::move(program);
  sockets_.copy_to(order.sockets, order.inventory.lent);
  if (admin_) {
    order.sockets.push_back(admin_->copy_of_socket());
    order.inventory.admin = admin_address_.text();
  }
  if (command_socket_) {
    order.sockets.push_back(command_socket_->copy_of_socket());
    order.inventory.commands = command_path_;
  }
  order.inventory.tickets = ticket_keys_->keep(net::TicketKeys::Clock::now());
  std::vector<std::pair<std::string, upstream::EndpointPtr>> endpoints;
  for (const auto& report : control_.registry().report()) {
    const auto endpoint = control_.registry().endpoint_at(report.cluster, report.address);
    if (!endpoint) continue;  // it is leaving
    endpoints.emplace_back(report.cluster, endpoint);
    order.inventory.endpoints.push_back(facts_of(report, *endpoint));
  }
  for (const auto& worker : workers_) order.workers.push_back(worker.get());
  order.limits = [tables = control_.view()->limits] {
    std::vector<LimitFacts> facts;
    facts.reserve(tables.size());
    for (const auto& table : tables)
      facts.push_back({table->settings().name, table->rates(net::Clock::now())});
    return facts;
  };
  order.remaining = [endpoints] {
    std::vector<RemainingPlaces> left;
    for (const auto& [cluster, endpoint] : endpoints) {
      if (endpoint->active() > 0) left.push_back({cluster, endpoint->address_text(), endpoint->active()});
    }
    return left;
  };
  return order;
}

// Nothing new comes in here any more; what is left ends as at a shutdown.
void Gateway::give_way(pid_t successor) {
  service_.hand_over(successor);
  shutting_down_ = parting_ = true;
  phase_ = Phase::draining;
  config_watch_.reset();
  sockets_.hand_over();
  if (admin_) admin_->hand_over();
  if (command_socket_) command_socket_->hand_over();
  empty_workers_.clear();
  for (auto& worker : workers_) worker->post([w = worker.get()] { w->give_way(); });
  leave_tunnels(Departures::Movable::stay);
  parting_timer_.expires_after(kParting);
  parting_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    parting_ = false;
    await_end();
  });
}

// === from another one ===

void Gateway::take_over(Predecessor& predecessor) {
  restore(predecessor.inventory());
  predecessor.take_over(heir());
  start_workers();
  own_inherited();
  predecessor_ = &predecessor;
  predecessor.follow(context_, heir());
  error_log_.logger()->info("tidegate {} has taken over from process {} with {} WebSockets", version(),
                            ::getppid(), taken_over_);
}

// The other process has left them. What this one does not want goes.
void Gateway::own_inherited() {
  sockets_.own_files();
  if (admin_) admin_->own_file();
  if (command_socket_) command_socket_->own_file();
  inherited_admin_ = {};
  if (inherited_commands_.socket) ::unlink(inherited_commands_.address.c_str());
  inherited_commands_ = {};
}

// What was known there is known here.
void Gateway::restore(const Inventory& inventory) {
  if (tls_.contexts->ticket_secrets.empty()) ticket_keys_->go_on(inventory.tickets);
  const auto now = upstream::Clock::now();
  auto& registry = control_.registry();
  inherit_endpoints(inventory, now);
  for (const auto& facts : inventory.endpoints) {
    const auto endpoint = registry.endpoint_at(facts.upstream, facts.address);
    if (!endpoint) continue;
    if (facts.drained_by_order) registry.order(endpoint->id(), upstream::AdminOrder::drain, facts.cause, now);
    if (facts.state == upstream::EndpointState::ready) {
      registry.report_verdict(endpoint->id(), upstream::Verdict::pass, "was ready before the upgrade", now);
      endpoint->set_ready_since(facts.ready_since);
    } else if (facts.state == upstream::EndpointState::unready) {
      registry.report_verdict(endpoint->id(), upstream::Verdict::fail, facts.cause, now);
    }
    for (const auto probe : upstream::socket_probes) {
      const auto verdict = facts.sockets.verdict(probe);
      if (verdict != upstream::Verdict::unknown)
        registry.report_sockets(endpoint->id(), probe, verdict, facts.sockets.cause(probe));
    }
  }
}

void Gateway::inherit_endpoints(const Inventory& inventory, upstream::TimePoint now) {
  std::map<std::string, std::vector<upstream::DiscoveredEndpoint>> known;
  for (const auto& facts : inventory.endpoints) {
    if (!control_.discovery().follows(facts.upstream)) continue;
    if (auto offered = offer_of(facts)) known[facts.upstream].push_back(std::move(*offered));
  }
  for (auto& [upstream, endpoints] : known) control_.discovery().inherit(upstream, std::move(endpoints), now);
}

Predecessor::Heir Gateway::heir() {
  return {[this](const TunnelBatch& batch, std::vector<net::UniqueFd> sockets) {
            return find_places(batch, std::move(sockets));
          },
          [this] { commit_places(); }, [this] { arriving_.clear(); },
          [this](const std::vector<RemainingPlaces>& left) { count_elsewhere(left); }};
}

TakenTunnels Gateway::find_places(const TunnelBatch& batch, std::vector<net::UniqueFd> sockets) {
  const auto now = net::Clock::now();
  for (const auto& limit : batch.limits) {
    for (const auto& table : control_.view()->limits) {
      if (table->settings().name != limit.name) continue;
      for (const auto& rates : limit.rates) table->restore(rates, now);
    }
  }
  TakenTunnels answer;
  if (phase_ != Phase::serving) {  // it hands over itself, or ends
    answer.taken.assign(batch.tunnels.size(), 0);
    return answer;
  }
  for (std::size_t i = 0; i < batch.tunnels.size(); ++i) {
    auto moved = find_place(batch.tunnels[i]);
    answer.taken.push_back(moved ? 1 : 0);
    if (!moved) continue;
    moved->client = std::move(sockets[2 * i]);
    moved->pod = std::move(sockets[2 * i + 1]);
    arriving_.push_back(std::move(moved));
  }
  return answer;
}

// Null if its route, upstream or endpoint is not configured here.
std::shared_ptr<MovedTunnel> Gateway::find_place(const TunnelParcel& parcel) {
  Unpacker bytes(parcel.facts);
  TunnelFacts facts;
  bytes(facts);
  if (!bytes.is_done()) return nullptr;
  const auto view = control_.view();
  const auto* const route = view->router.find(facts.record.route);
  const auto* const proxy = route != nullptr ? std::get_if<ProxyRoute>(&route->action) : nullptr;
  if (proxy == nullptr || view->config->upstreams[proxy->upstream].name != facts.record.upstream)
    return nullptr;
  const auto endpoint = control_.registry().endpoint_at(facts.record.upstream, facts.endpoint);
  if (!endpoint) return nullptr;
  auto moved = std::make_shared<MovedTunnel>();
  moved->config = view->config;
  moved->worker = next_arrival_++ % serving_;
  moved->counters = &view->series[proxy->upstream]->worker(static_cast<std::uint32_t>(moved->worker));
  moved->state = parcel.state;
  moved->opening = std::make_unique<TunnelOpening>();
  auto& opening = *moved->opening;
  endpoint->reserve_anyway();
  opening.place = upstream::Reservation(endpoint);
  opening.settings = view->upstreams[proxy->upstream];
  opening.record = KeptRecord(facts.record);
  opening.opened_elsewhere = true;
  // One that was followed may hold half a header: it is followed on.
  if (facts.followed)
    opening.policy = proxy->websocket->inspect == conf::Inspect::off ? watched() : proxy->websocket;
  for (const auto& held : facts.places) {
    for (const auto& table : view->limits) {
      if (table->settings().name != held.limit) continue;
      auto place = table->enter_again(table, held.client, ask_of(held), net::Clock::now());
      if (!place) continue;
      if (!opening.places) opening.places = std::make_unique<LimitPlaces>();
      opening.places->push_back(std::move(*place));
    }
  }
  return moved;
}

void Gateway::commit_places() {
  taken_over_ += arriving_.size();
  for (auto& moved : arriving_) {
    auto* const worker = workers_[moved->worker].get();
    worker->post([worker, moved] { worker->take_over(std::move(*moved)); });
  }
  arriving_.clear();
}

void Gateway::count_elsewhere(const std::vector<RemainingPlaces>& left) {
  for (const auto& endpoint : elsewhere_) endpoint->set_elsewhere(0);
  elsewhere_.clear();
  for (const auto& places : left) {
    const auto endpoint = control_.registry().endpoint_at(places.upstream, places.address);
    if (!endpoint) continue;
    endpoint->set_elsewhere(places.count);
    elsewhere_.push_back(endpoint);
  }
}

}  // namespace tidegate::gateway
