#include "gateway/tunnel/tunnel.hpp"

#include <algorithm>

#include "gateway/process/worker.hpp"

namespace tidegate::gateway {
namespace {

// What one tunnel may move in one turn before the others have theirs.
constexpr std::size_t kTurnBudget = 256 * 1024;
// Sockets that were opened together do not end together: up to a tenth of their lifetime earlier.
constexpr unsigned kLifetimeJitter = 10;

}  // namespace

Tunnel::Tunnel(Worker& worker, UpstreamCounters& counters, TunnelOpening opening)
    : worker_(worker),
      counters_(counters),
      settings_(std::move(opening.settings)),
      policy_(std::move(opening.policy)),
      place_(std::move(opening.place)),
      record_(std::move(opening.record)),
      places_(std::move(opening.places)),
      client_(std::move(opening.client), {websocket::Sender::client, opening.reserved_bits}),
      pod_(std::move(opening.pod), {websocket::Sender::server, opening.reserved_bits}),
      opened_(worker.now()),
      expires_(net::TimePoint::max()),
      active_(opened_) {
  if (const auto lifetime = settings_->timeouts.websocket_lifetime; lifetime.count() > 0) {
    const auto earlier = worker.random() % static_cast<std::uint64_t>(lifetime.count() / kLifetimeJitter + 1);
    expires_ = opened_ + lifetime - std::chrono::milliseconds(earlier);
  }
  if (policy_ && (policy_->pings.any() || policy_->rate.limits())) care_ = std::make_unique<Care>(opened_);
  counters_.tunnels.add();
  if (!opening.opened_elsewhere) counters_.tunnels_opened.add();
}

Tunnel::~Tunnel() {
  drop_unsent(client_);
  drop_unsent(pod_);
  if (!moved_) report();
  counters_.tunnels.subtract();  // last: who sees it gone finds its story told
}

void Tunnel::start(std::string_view head, std::string_view from_pod, std::string_view from_client) {
  client_.stream->reader = client_.stream->writer = this;
  pod_.stream->reader = pod_.stream->writer = this;
  deliver(client_, head);
  if (!from_pod.empty()) pass(pod_, client_, from_pod);
  if (!from_client.empty()) pass(client_, pod_, from_client);
  turn();
}

void Tunnel::wake(net::Cause) {
  if (!retired_ && !frozen_) turn();
}

void Tunnel::turn() {
  const auto before = client_.bytes + pod_.bytes;
  flush(client_);
  flush(pod_);
  if (!discarding_ && (!move(client_, pod_) || !move(pod_, client_))) return;
  if (leaving()) take_leave();
  if (discarding_) {
    discard(client_);
    discard(pod_);
  }
  if (client_.bytes + pod_.bytes != before) active_ = worker_.now();
  if (is_over()) return retire();
  arm();
}

// Both ends of stream were read and passed on; of a pod that is gone, or was left, nothing is awaited.
bool Tunnel::is_over() const {
  if (!client_.ended) return false;
  if (client_.deaf) return discarding_ || pod_.unsent.empty();
  return client_.finished && (discarding_ || (pod_.ended && pod_.finished));
}

bool Tunnel::move(Side& from, Side& to) {
  std::size_t budget = kTurnBudget;
  // Backpressure: nothing is read while the other side has not taken what it was given.
  while (!from.ended && to.unsent.empty() && from.stream->readable() && !is_paused(from)) {
    if (discarding_) return true;
    if (budget == 0) {
      worker_.loop().wake_later(*this, net::Cause::readable);
      return true;
    }
    const auto scratch = worker_.scratch();
    const auto read = from.stream->try_read(scratch.first(std::min(scratch.size(), budget)));
    if (read.has_error()) return net::would_block(read.error()) || read_failed(from);
    if (*read == 0) {
      side_ended(from, to);
      return true;
    }
    budget -= *read;
    pass(from, to, {scratch.data(), *read});
  }
  return true;
}

void Tunnel::pass(Side& from, Side& to, std::string_view bytes) {
  if (policy_) return follow(from, to, bytes);
  from.bytes += bytes.size();
  auto& counted = &from == &client_ ? counters_.tunnel_bytes_from_client : counters_.tunnel_bytes_from_pod;
  counted.add(bytes.size());
  deliver(to, bytes);
}

// A close with unread bytes would send RST, which can overtake the Close frame: what a side still says is
// read until it ends.
void Tunnel::discard(Side& from) {
  std::size_t budget = kTurnBudget;
  while (!from.ended && from.stream->readable()) {
    if (budget == 0) return worker_.loop().wake_later(*this, net::Cause::readable);
    const auto scratch = worker_.scratch();
    const auto read = from.stream->try_read(scratch.first(std::min(scratch.size(), budget)));
    if (read.has_error() && net::would_block(read.error())) return;
    if (read.has_error()) from.deaf = true;
    if (read.has_error() || *read == 0) {
      from.ended = true;
      return;
    }
    budget -= *read;
    if (policy_) from.scanner.consume({scratch.data(), *read});
  }
}

void Tunnel::deliver(Side& to, std::string_view bytes) {
  if (to.deaf) return;
  if (to.unsent.empty()) {
    const auto written = to.stream->try_write(bytes);
    if (written.has_error() && !net::would_block(written.error())) return write_failed(to);
    bytes.remove_prefix(written.has_value() ? *written : 0);
  }
  if (bytes.empty()) return;
  const auto before = to.unsent.capacity();
  to.unsent.append(bytes);
  worker_.counters().tunnel_buffer_bytes.add(static_cast<std::int64_t>(to.unsent.capacity()) -
                                             static_cast<std::int64_t>(before));
  if (to.stalled == net::TimePoint{}) to.stalled = worker_.now();
}

void Tunnel::flush(Side& to) {
  while (!to.unsent.empty() && to.stream->writable()) {
    const auto written = to.stream->try_write(to.unsent.text());
    if (written.has_error()) {
      if (!net::would_block(written.error())) write_failed(to);
      break;
    }
    const auto before = to.unsent.capacity();
    to.unsent.consume(*written);
    worker_.counters().tunnel_buffer_bytes.subtract(static_cast<std::int64_t>(before - to.unsent.capacity()));
    to.stalled = to.unsent.empty() ? net::TimePoint{} : worker_.now();
    // While a client was behind, its pod could not speak.
    if (leaving() && &to == &client_) leaving_since_ = worker_.now();
  }
  // A FIN waits for the bytes before it.
  const Side& other = &to == &client_ ? pod_ : client_;
  if ((other.ended || discarding_) && to.unsent.empty()) finish_side(to);
}

void Tunnel::drop_unsent(Side& to) {
  worker_.counters().tunnel_buffer_bytes.subtract(static_cast<std::int64_t>(to.unsent.capacity()));
  to.unsent.clear();
  to.stalled = {};
}

void Tunnel::arm() {
  const auto& timeouts = settings_->timeouts;
  auto due = std::min(active_ + timeouts.websocket_idle, expires_);
  for (const auto* side : {&client_, &pod_}) {
    if (side->stalled != net::TimePoint{}) due = std::min(due, side->stalled + timeouts.write_stall);
  }
  if (care_) due = std::min(due, care_due());
  if (leaving()) due = std::min(due, leave_due());
  if (closing_ != net::TimePoint{}) due = closing_due();
  // Moving a deadline later is left to its firing: a busy tunnel touches the wheel once per idle time, not
  // per message.
  if (armed() && due >= due_) return;
  due_ = due;
  worker_.loop().wheel().arm(*this, due);
}

void Tunnel::retire() {
  if (retired_) return;
  retired_ = true;
  disarm();
  worker_.retire(*this);
}

}  // namespace tidegate::gateway
