#include "gateway/process/worker.hpp"

#include <algorithm>
#include <utility>

#include <pthread.h>
#include <sys/random.h>

#include "gateway/exchange/client_connection.hpp"
#include "gateway/process/client_key.hpp"
#include "gateway/process/control.hpp"
#include "gateway/tunnel/tunnel.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::size_t kScratch = 64 * 1024;
constexpr std::size_t kSpareExchanges = 256;
constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::milliseconds kNewcomerPatience{500};  // to bring a head, where there is no room
constexpr std::size_t kMostHandshakes = 1024;                // at once; each holds some 60 KB

std::uint64_t seed() {
  std::uint64_t value = 0;
  // Only spreads load and names requests; the clock is good enough where the call fails.
  if (::getrandom(&value, sizeof value, 0) != sizeof value) {
    value = static_cast<std::uint64_t>(net::Clock::now().time_since_epoch().count());
  }
  return value | 1;
}

// Takes an element out of a list whose elements know their place, without moving more than one other.
template <class T>
std::unique_ptr<T> take_out(std::vector<std::unique_ptr<T>>& list, std::size_t slot) {
  auto taken = std::move(list[slot]);
  if (slot + 1 != list.size()) {
    list[slot] = std::move(list.back());
    list[slot]->slot = slot;
  }
  list.pop_back();
  return taken;
}

// In the place of an upstream that is gone with its last endpoint, so that the settings of every one that
// there ever was do not stay: a request that began before finds nobody there.
const upstream::ClusterViewPtr& nobody() {
  static const upstream::ClusterViewPtr view = [] {
    auto made = std::make_shared<upstream::ClusterView>();
    made->settings = std::make_shared<const conf::Upstream>();
    made->shared = std::make_shared<upstream::ClusterShared>();
    made->removed = true;
    return made;
  }();
  return view;
}

}  // namespace

// The worker's once-a-second duties.
class Worker::Tick final : public net::DeadlineNode {
 public:
  explicit Tick(Worker& worker) : worker_(worker) { arm(); }

 private:
  void arm() { worker_.loop_.wheel().arm(*this, worker_.loop_.now() + kTick); }
  void on_deadline() override {
    worker_.tick();
    arm();
  }
  Worker& worker_;
};

Worker::Worker(std::uint32_t index, WorkerLinks links)
    : index_(index),
      links_(std::move(links)),
      pool_(loop_),
      scratch_(kScratch),
      access_(std::move(links_.access_log)),
      failures_(links_.error_log),
      tick_(std::make_unique<Tick>(*this)),
      random_state_(seed()) {}

Worker::~Worker() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
  // In this order: what is destroyed here still counts and logs.
  connections_.clear();
  tunnels_.clear();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  ::pthread_setname_np(::pthread_self(), ("worker-" + std::to_string(index_)).c_str());
  loop_.run();
  access_.flush();
}

void Worker::tick() {
  access_.flush_if_old(loop_.now());
  failures_.summarise(loop_.now());
  for (const auto& cluster : clusters_)
    if (cluster.view && cluster.view->settings->rebalance.enabled) departures_.rebalance(*cluster.view);
  count_idle();
  auto& gauge = links_.counters.buffer_bytes;
  gauge.add(static_cast<std::int64_t>(buffer_bytes()) - gauge.value());
}

// How many idle connections each upstream has here, for the metrics.
void Worker::count_idle() {
  if (!view_) return;
  for (std::size_t i = 0; i < view_->series.size(); ++i) {
    std::size_t idle = 0;
    for (const auto& member : clusters_[view_->cluster_ids[i]].view->members)
      idle += pool_.idle(member.endpoint->id());
    auto& gauge = view_->series[i]->worker(index_).pool_idle;
    gauge.add(static_cast<std::int64_t>(idle) - gauge.value());
  }
}

std::int64_t Worker::unix_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::uint64_t Worker::random() {
  random_state_ ^= random_state_ << 13;
  random_state_ ^= random_state_ >> 7;
  random_state_ ^= random_state_ << 17;
  return random_state_;
}

void Worker::write_request_id(std::string& out) {
  constexpr std::string_view digits = "0123456789abcdef";
  out.clear();
  for (int half = 0; half < 2; ++half) {
    auto bits = random();
    for (int i = 0; i < 16; ++i, bits >>= 4) out.push_back(digits[bits & 15]);
  }
}

void Worker::set_view(WorkerViewPtr view) {
  const auto before = std::exchange(view_, with_own_count(std::move(view)));
  // What left keeps its counts, but no idle connections that anybody counts.
  for (auto* series : before ? before->series : std::vector<UpstreamSeries*>()) {
    if (std::find(view_->series.begin(), view_->series.end(), series) != view_->series.end()) continue;
    auto& gauge = series->worker(index_).pool_idle;
    gauge.subtract(gauge.value());
  }
  if (before && before->config != view_->config) departures_.review(*view_->config);
  update_entrances();
}

void Worker::set_cluster(upstream::ClusterViewPtr cluster) {
  const auto id = cluster->id;
  if (clusters_.size() <= id) clusters_.resize(id + 1);
  auto& slot = clusters_[id];
  if (!slot.view) slot.picks.random = random();
  const bool gone = cluster->removed && cluster->members.empty();
  slot.view = gone ? nobody() : with_own_count(std::move(cluster));
  if (gone) slot.picks.credits = {};
  for (const auto& member : slot.view->members) {
    const auto& endpoint = *member.endpoint;
    // Nothing new goes to an endpoint that is not ready, by an idle connection either.
    if (!endpoint.eligible()) pool_.purge(endpoint.id());
    if (endpoint.state() == upstream::EndpointState::draining) {
      departures_.leave(member.endpoint, id, slot.view->removed);
    } else {
      departures_.stay(endpoint.id());
    }
  }
  connects_.review();
}

void Worker::listen(std::uint32_t listener, std::uint64_t key, net::UniqueFd socket) {
  if (!entrances_.contains(listener)) return;
  listeners_.push_back(std::make_unique<Listener>(*this, listener, key, std::move(socket)));
}

void Worker::unlisten(std::uint64_t key) {
  std::erase_if(listeners_, [key](const auto& listener) { return listener->key() == key; });
}

void Worker::accept(std::uint32_t listener, net::UniqueFd socket, const net::SocketAddress& peer) {
  net::error_code error;
  auto stream = net::Stream::adopt(loop_, std::move(socket), error);
  if (!stream) {
    links_.error_log->error("cannot watch a connection: {}", error.message());
    return;
  }
  auto connection =
      std::make_unique<ClientConnection>(*this, entrances_.at(listener), std::move(stream), peer);
  auto* const accepted = connection.get();
  accepted->slot = connections_.size();
  connections_.push_back(std::move(connection));
  accepted->start();
}

void Worker::retire(ClientConnection& connection) {
  if (std::exchange(connection.retired, true)) return;
  ++retiring_;
  loop_.defer([this, gone = &connection] {
    --retiring_;
    take_out(connections_, gone->slot);
    report_if_empty();
  });
}

void Worker::retire(Tunnel& tunnel) {
  loop_.defer([this, gone = &tunnel] {
    take_out(tunnels_, gone->slot);
    report_if_empty();
  });
}

void Worker::adopt(std::unique_ptr<Tunnel> tunnel, const conf::Config& config) {
  if (&config != view_->config.get()) departures_.review(*tunnel, *view_->config);
  tunnel->slot = tunnels_.size();
  tunnels_.push_back(std::move(tunnel));
}

bool Worker::shed_connection(std::uint64_t client) {
  if (!shed_longest(kept_alive_, newcomers_, {client, now()}, kNewcomerPatience)) return false;
  links_.counters.connections_shed.add();
  return true;
}

std::uint64_t Worker::client_of(const Entrance& entrance, std::string_view address) const {
  const auto& view = *entrance.view;
  if (view.trusted.contains(address) || view.admissions[entrance.listener].senders.contains(address))
    return 0;
  return client_of(address);
}

std::uint64_t Worker::client_of(std::string_view address) const {
  static const conf::ClientLimit by_address;
  const auto key = client_key(address, by_address);
  return key ? hash_of(*key, links_.control.client_seed()) | 1 : 0;
}

void Worker::add_handshake(IdleNode& handshake) {
  if (enter_bounded(handshakes_, handshake, kMostHandshakes, now())) links_.counters.connections_shed.add();
}

std::size_t Worker::buffer_bytes() const {
  return buffers_.in_use() + static_cast<std::size_t>(links_.counters.tunnel_buffer_bytes.value());
}

bool Worker::buffers_full() const {
  return buffer_bytes() >= links_.most_buffer_bytes;
}

std::unique_ptr<Exchange> Worker::take_exchange() {
  if (exchanges_.empty()) return std::make_unique<Exchange>();
  auto exchange = std::move(exchanges_.back());
  exchanges_.pop_back();
  return exchange;
}

void Worker::give_exchange(std::unique_ptr<Exchange> exchange) {
  exchange->clear();
  if (exchanges_.size() < kSpareExchanges) exchanges_.push_back(std::move(exchange));
}

void Worker::enter_hold(HoldSeat& seat, std::uint32_t cluster) {
  // Unique over all workers: the worker's number is in the upper bits.
  seat.id = (std::uint64_t{index_} << 48) | ++tickets_;
  seats_.emplace(seat.id, &seat);
  links_.control.enter_hold(cluster, {seat.id, index_, seat.client, seat.upgrade});
}

void Worker::leave_hold(HoldSeat& seat, std::uint32_t cluster) {
  seats_.erase(seat.id);
  if (!seat.granted.raised()) links_.control.leave_hold(cluster, seat.id);
}

void Worker::grant(std::uint64_t ticket, upstream::Reservation place) {
  const auto found = seats_.find(ticket);
  if (found == seats_.end()) return;  // left meanwhile: the place goes back
  found->second->place = std::move(place);
  found->second->granted.raise();
}

bool Worker::take_handshake_step(int per_turn) {
  if (handshake_turn_ != loop_.now()) {
    handshake_turn_ = loop_.now();
    handshake_steps_ = 0;
  }
  return handshake_steps_++ < per_turn;
}

void Worker::finish(Exchange& exchange, UpstreamCounters* upstream) {
  auto& record = exchange.record;
  record.finished_at = std::chrono::system_clock::now();
  record.request_time =
      std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - exchange.started);
  count_request(links_.counters, upstream, record);
  if (record.failure != FailureReason::none) failures_.report(record, loop_.now());
  access_.append(record, loop_.now());
}

void Worker::finish_handshake(Exchange& exchange, UpstreamCounters& upstream) {
  auto& record = exchange.record;
  record.request_time =
      std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - exchange.started);
  count_request(links_.counters, &upstream, record);
}

void Worker::finish_tunnel(AccessRecord& record, UpstreamCounters& upstream) {
  record.finished_at = std::chrono::system_clock::now();
  count_tunnel_end(upstream, *record.tunnel);
  access_.append(record, loop_.now());
}

void Worker::shed_idle(std::uint32_t cluster) {
  if (cluster >= clusters_.size() || !clusters_[cluster].view) return;
  for (const auto& member : clusters_[cluster].view->members) pool_.purge(member.endpoint->id());
}

void Worker::stop_accepting() {
  stopping_ = true;
  empty_reported_ = false;
  for (const auto& connection : connections_) connection->close_if_idle();
  for (const auto& listener : listeners_) listener->accept_rest();
  listeners_.clear();
  loop_.defer([this] { report_if_empty(); });
}

void Worker::stand_down() {
  stopping_ = true;
  listeners_.clear();
}

void Worker::serve_again() {
  stopping_ = false;
}

void Worker::set_bounds(std::size_t connections, std::size_t buffer_bytes) {
  links_.most_connections = connections;
  links_.most_buffer_bytes = buffer_bytes;
  auto& gauge = links_.counters.buffer_limit_bytes;
  gauge.add(static_cast<std::int64_t>(buffer_bytes) - gauge.value());
}

void Worker::give_way() {
  stopping_ = true;
  empty_reported_ = false;
  listeners_.clear();
  for (const auto& connection : connections_) {
    if (connection->has_served()) connection->close_if_idle();
  }
  loop_.defer([this] { report_if_empty(); });
}

std::vector<FrozenTunnel> Worker::freeze_tunnels() {
  std::vector<FrozenTunnel> frozen;
  for (const auto& tunnel : tunnels_) {
    if (tunnel->can_move()) frozen.push_back(tunnel->freeze());
  }
  return frozen;
}

void Worker::take_over(MovedTunnel moved) {
  net::error_code error;
  moved.opening->client = net::Stream::adopt(loop_, std::move(moved.client), error);
  if (!error) moved.opening->pod = net::Stream::adopt(loop_, std::move(moved.pod), error);
  if (error) return links_.error_log->error("a WebSocket was not taken over: {}", error.message());
  auto tunnel = std::make_unique<Tunnel>(*this, *moved.counters, std::move(*moved.opening));
  auto* const taken = tunnel.get();
  adopt(std::move(tunnel), *moved.config);
  if (taken->take_over(moved.state)) return;
  links_.error_log->error("a WebSocket was not taken over: what the other process says of it is not whole");
  taken->let_go();
}

void Worker::end_all() {
  for (const auto& tunnel : tunnels_) tunnel->end(conf::CloseCause::shutdown);
  for (const auto& connection : connections_) connection->abandon();
}

void Worker::report_if_empty() {
  if (!stopping_ || empty_reported_ || !connections_.empty() || !tunnels_.empty()) return;
  empty_reported_ = true;
  links_.control.worker_empty(index_);
}

}  // namespace tidegate::gateway
