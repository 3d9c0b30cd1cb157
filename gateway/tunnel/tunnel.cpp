#include "gateway/tunnel/tunnel.hpp"

#include <algorithm>

#include "gateway/process/worker.hpp"
#include "wire/websocket/close_frame.hpp"

namespace tidegate::gateway {
namespace {

// What one tunnel may move in one turn before the others have theirs.
constexpr std::size_t kTurnBudget = 256 * 1024;

}  // namespace

Tunnel::Tunnel(Worker& worker, UpstreamCounters& counters, TunnelOpening opening)
    : worker_(worker),
      counters_(counters),
      settings_(std::move(opening.settings)),
      place_(std::move(opening.place)),
      record_(std::move(opening.record)),
      places_(std::move(opening.places)),
      client_(std::move(opening.client), {websocket::Sender::client, opening.extended}),
      pod_(std::move(opening.pod), {websocket::Sender::server, opening.extended}),
      opened_(worker.now()),
      active_(opened_),
      websocket_(opening.websocket) {
  counters_.tunnels.add();
  counters_.tunnels_opened.add();
}

Tunnel::~Tunnel() {
  drop_unsent(client_);
  drop_unsent(pod_);
  report();
  counters_.tunnels.subtract();  // last: who sees it gone finds its story told
}

void Tunnel::start(std::string_view head, std::string_view from_pod, std::string_view from_client) {
  client_.stream->reader = client_.stream->writer = this;
  pod_.stream->reader = pod_.stream->writer = this;
  deliver(client_, head);
  if (!from_pod.empty()) {
    observe(pod_, from_pod);
    deliver(client_, from_pod);
  }
  if (!from_client.empty()) {
    observe(client_, from_client);
    deliver(pod_, from_client);
  }
  turn();
}

void Tunnel::wake(net::Cause) {
  if (!retired_) turn();
}

void Tunnel::turn() {
  const auto before = client_.bytes + pod_.bytes;
  flush(client_);
  flush(pod_);
  if (!discarding_ && (!move(client_, pod_) || !move(pod_, client_))) return;
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
  while (!from.ended && to.unsent.empty() && from.stream->readable()) {
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
    const auto bytes = scratch.first(*read);
    observe(from, bytes);
    deliver(to, {bytes.data(), bytes.size()});
  }
  return true;
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
    if (websocket_) from.scanner.consume(scratch.first(*read));
  }
}

void Tunnel::observe(Side& from, std::span<const char> bytes) {
  from.bytes += bytes.size();
  auto& counted = &from == &client_ ? counters_.tunnel_bytes_from_client : counters_.tunnel_bytes_from_pod;
  counted.add(bytes.size());
  if (!websocket_) return;
  const auto before = from.scanner.counts().messages;
  from.scanner.consume(bytes);
  auto& messages = &from == &client_ ? counters_.messages_from_client : counters_.messages_from_pod;
  messages.add(from.scanner.counts().messages - before);
  if (from.scanner.close_seen()) closed_first(name_of_side(from));
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

void Tunnel::side_ended(Side& from, Side& to) {
  from.ended = true;
  closed_first(name_of_side(from));
  // A pod that ends without a Close is lost, whether its client waits for a message or for the answer to a
  // Close of its own. After its client has ended it is not, and nobody reads a Close any more.
  if (websocket_ && &from == &pod_ && !pod_.scanner.close_seen() && !client_.ended) return pod_gone();
  if (websocket_ && !said_close()) set_end(TunnelEnd::client_lost);
  // Half-close: the other direction stays open for the `fin` time.
  begin_closing();
  if (to.unsent.empty()) finish_side(to);
}

// What was meant for it has nowhere to go. What it said before it went is still in its socket and is read on,
// its own Close above all.
void Tunnel::write_failed(Side& to) {
  to.deaf = true;
  drop_unsent(to);
  closed_first(name_of_side(to));
  begin_closing();
}

// A reset. False: the tunnel has ended with it.
bool Tunnel::read_failed(Side& from) {
  from.ended = from.deaf = true;
  drop_unsent(from);
  closed_first(name_of_side(from));
  if (&from == &pod_ && websocket_) {
    pod_gone();
    return true;
  }
  set_end(websocket_ && said_close() ? TunnelEnd::closed
          : &from == &pod_           ? TunnelEnd::pod_lost
                                     : TunnelEnd::client_lost);
  // Of a protocol that is not followed nobody knows whether it was cut: a reset is passed on as one.
  if (!websocket_) (&from == &pod_ ? client_ : pod_).stream->reset_on_close();
  retire();
  return false;
}

// The pod is lost. What it sent before has been handed to the client's side; behind it comes a Close if the
// stream stands between two frames.
void Tunnel::pod_gone() {
  set_end(said_close() ? TunnelEnd::closed : TunnelEnd::pod_lost);
  drop_unsent(pod_);
  if (client_.scanner.close_seen()) {
    answer_close();
  } else {
    inject_close(client_, settings_->drain.close_code, "upstream connection lost");
  }
  begin_discarding();
}

// The client's Close in place of a pod that can no longer answer it, with the client's own code (RFC
// 6455 5.5.1).
void Tunnel::answer_close() {
  const auto said = client_.scanner.close_code();
  inject_close(client_, websocket::is_sendable_close_code(said) ? said : std::uint16_t{1000}, {});
}

void Tunnel::inject_close(Side& to, std::uint16_t code, std::string_view reason) {
  if (!websocket_ || to.finished || to.deaf) return;
  const bool to_client = &to == &client_;
  const auto& scanner = (to_client ? pod_ : client_).scanner;  // follows the stream towards `to`
  if (scanner.close_seen()) return;                            // nothing follows a Close (RFC 6455 5.5.1)
  if (!scanner.at_boundary()) {
    truncated_ = true;
    return;
  }
  const auto sender = to_client ? websocket::Sender::server : websocket::Sender::client;
  const auto close =
      websocket::make_close(sender, code, reason, static_cast<std::uint32_t>(worker_.random()));
  deliver(to, close.view());
  if (to_client && !to.deaf) gateway_close_code_ = code;
}

void Tunnel::end(std::uint16_t code, std::string_view reason, TunnelEnd why) {
  if (retired_ || discarding_) return;
  set_end(why);
  closed_first(TunnelSide::gateway);
  inject_close(pod_, code, reason);
  inject_close(client_, code, reason);
  begin_discarding();
  // What lies in the sockets already makes no new edge.
  worker_.loop().wake_soon(*this, net::Cause::none);
  arm();
}

void Tunnel::begin_discarding() {
  discarding_ = true;
  begin_closing();
  if (client_.unsent.empty()) finish_side(client_);
  if (pod_.unsent.empty()) finish_side(pod_);
}

void Tunnel::begin_closing() {
  if (closing_ == net::TimePoint{}) closing_ = worker_.now();
}

void Tunnel::finish_side(Side& to) {
  if (to.finished) return;
  to.finished = true;
  to.stream->shutdown_write();
}

void Tunnel::closed_first(TunnelSide side) {
  if (closed_first_ == TunnelSide::none) closed_first_ = side;
}

void Tunnel::set_end(TunnelEnd end) {
  if (!end_known_) end_ = end;
  end_known_ = true;
}

void Tunnel::arm() {
  const auto& timeouts = settings_->timeouts;
  auto due = active_ + timeouts.websocket_idle;
  if (timeouts.websocket_lifetime.count() > 0) due = std::min(due, opened_ + timeouts.websocket_lifetime);
  for (const auto* side : {&client_, &pod_}) {
    if (side->stalled != net::TimePoint{}) due = std::min(due, side->stalled + timeouts.write_stall);
  }
  if (closing_ != net::TimePoint{}) due = closing_ + timeouts.fin;
  // Moving a deadline later is left to its firing: a busy tunnel touches the wheel once per idle time, not
  // per message.
  if (armed() && due >= due_) return;
  due_ = due;
  worker_.loop().wheel().arm(*this, due);
}

void Tunnel::on_deadline() {
  const auto now = worker_.now();
  const auto& timeouts = settings_->timeouts;
  if (closing_ != net::TimePoint{} && now >= closing_ + timeouts.fin) return retire();
  if (discarding_) return arm();  // ended already: only the time of its last words counts
  for (const auto* side : {&client_, &pod_}) {
    if (side->stalled == net::TimePoint{} || now < side->stalled + timeouts.write_stall) continue;
    if (side == &pod_)
      return end(settings_->drain.close_code, "upstream reads no more", TunnelEnd::write_stall);
    set_end(TunnelEnd::write_stall);
    closed_first(TunnelSide::gateway);
    return retire();
  }
  if (timeouts.websocket_lifetime.count() > 0 && now >= opened_ + timeouts.websocket_lifetime) {
    return end(1001, "maximum lifetime reached", TunnelEnd::lifetime);
  }
  if (now >= active_ + timeouts.websocket_idle) return end(1001, "idle timeout", TunnelEnd::idle_timeout);
  arm();
}

void Tunnel::retire() {
  if (retired_) return;
  retired_ = true;
  disarm();
  worker_.retire(*this);
}

// Behind a Close nothing can be missing, and many clients leave out TLS's own end there.
TunnelDirection Tunnel::direction_of(const Side& side) {
  return {side.bytes, side.scanner.counts().messages, side.scanner.close_code(),
          side.stream->truncated() && !side.scanner.close_seen()};
}

void Tunnel::report() {
  auto record = record_.record();
  auto& tunnel = record.tunnel.emplace();
  tunnel.life = std::chrono::duration_cast<std::chrono::microseconds>(worker_.now() - opened_);
  tunnel.from_client = direction_of(client_);
  tunnel.from_pod = direction_of(pod_);
  tunnel.closed_first = closed_first_;
  tunnel.gateway_close_code = gateway_close_code_;
  tunnel.end = end_;
  const bool torn = websocket_ && (!pod_.scanner.at_boundary() || !client_.scanner.at_boundary());
  const bool cut = !websocket_ && (tunnel.from_client.cut || tunnel.from_pod.cut);
  tunnel.truncated = truncated_ || cut || (torn && end_ != TunnelEnd::closed);
  worker_.finish_tunnel(record, counters_);
}

}  // namespace tidegate::gateway
