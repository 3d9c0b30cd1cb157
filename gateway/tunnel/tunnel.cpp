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
      client_(std::move(opening.client), {websocket::Sender::client, opening.extended}),
      pod_(std::move(opening.pod), {websocket::Sender::server, opening.extended}),
      opened_(worker.now()),
      active_(opened_),
      websocket_(opening.websocket) {
  counters_.tunnels.add();
  counters_.tunnels_opened.add();
}

Tunnel::~Tunnel() {
  worker_.counters().tunnel_buffer_bytes.subtract(
      static_cast<std::int64_t>(client_.unsent.capacity() + pod_.unsent.capacity()));
  counters_.tunnels.subtract();
  report();
}

void Tunnel::start(std::string_view head, std::string_view from_pod, std::string_view from_client) {
  client_.stream->reader = client_.stream->writer = this;
  pod_.stream->reader = pod_.stream->writer = this;
  if (!deliver(client_, head)) return;
  if (!from_pod.empty()) {
    observe(pod_, from_pod);
    if (!deliver(client_, from_pod)) return;
  }
  if (!from_client.empty()) {
    observe(client_, from_client);
    if (!deliver(pod_, from_client)) return;
  }
  turn();
}

void Tunnel::wake(net::Cause) {
  if (!retired_) turn();
}

void Tunnel::turn() {
  const auto before = client_.bytes + pod_.bytes;
  if (!flush(client_) || !flush(pod_)) return;
  if (discarding_) {
    discard_from_client();
    if (retired_) return;
  } else if (!move(client_, pod_) || !move(pod_, client_)) {
    return;
  }
  if (client_.bytes + pod_.bytes != before) active_ = worker_.now();
  if (is_over()) return retire();
  arm();
}

// Both ends of stream were read and passed on; of a pod that is gone, or was left, nothing is awaited.
bool Tunnel::is_over() const {
  const bool client_over = client_.ended && client_.finished;
  return client_over && (discarding_ || (pod_.ended && pod_.finished));
}

bool Tunnel::move(Side& from, Side& to) {
  std::size_t budget = kTurnBudget;
  // Backpressure: nothing is read while the other side has not taken what it was given.
  while (!from.ended && to.unsent.empty() && from.stream->readable()) {
    if (budget == 0) {
      worker_.loop().wake_soon(*this, net::Cause::readable);
      return true;
    }
    const auto scratch = worker_.scratch();
    const auto read = from.stream->try_read(scratch.first(std::min(scratch.size(), budget)));
    if (read.has_error()) return net::would_block(read.error()) || side_lost(from);
    if (*read == 0) {
      side_ended(from, to);
      return !retired_;
    }
    budget -= *read;
    const auto bytes = scratch.first(*read);
    observe(from, bytes);
    if (!deliver(to, {bytes.data(), bytes.size()})) return false;
  }
  return true;
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

bool Tunnel::deliver(Side& to, std::string_view bytes) {
  if (to.unsent.empty()) {
    const auto written = to.stream->try_write(bytes);
    if (written.has_error() && !net::would_block(written.error())) return side_lost(to);
    bytes.remove_prefix(written.has_value() ? *written : 0);
  }
  if (bytes.empty()) return true;
  auto& gauge = worker_.counters().tunnel_buffer_bytes;
  gauge.subtract(static_cast<std::int64_t>(to.unsent.capacity()));
  to.unsent.append(bytes);
  gauge.add(static_cast<std::int64_t>(to.unsent.capacity()));
  if (stalled_ == net::TimePoint{}) stalled_ = worker_.now();
  return true;
}

bool Tunnel::flush(Side& to) {
  while (!to.unsent.empty() && to.stream->writable()) {
    const auto written = to.stream->try_write(to.unsent.text());
    if (written.has_error()) return net::would_block(written.error()) || side_lost(to);
    const auto before = to.unsent.capacity();
    to.unsent.consume(*written);
    worker_.counters().tunnel_buffer_bytes.subtract(static_cast<std::int64_t>(before - to.unsent.capacity()));
    stalled_ = worker_.now();
  }
  if (client_.unsent.empty() && pod_.unsent.empty()) stalled_ = {};
  // A FIN waits for the bytes before it.
  Side& other = &to == &client_ ? pod_ : client_;
  if (other.ended && to.unsent.empty()) finish_side(to);
  return true;
}

void Tunnel::side_ended(Side& from, Side& to) {
  from.ended = true;
  closed_first(name_of_side(from));
  if (closing_ == net::TimePoint{}) closing_ = worker_.now();
  const bool said_close = client_.scanner.close_seen() || pod_.scanner.close_seen();
  if (websocket_ && !said_close) {
    if (&from == &pod_) return pod_gone();
    set_end(TunnelEnd::client_lost);
  }
  // Half-close: the other direction stays open for the `fin` time.
  if (to.unsent.empty()) finish_side(to);
}

// The pod is lost. What it sent before has been handed to the client's side; behind it comes a Close if the
// stream stands between two frames.
void Tunnel::pod_gone() {
  pod_.ended = true;
  const bool said_close = client_.scanner.close_seen() || pod_.scanner.close_seen();
  set_end(websocket_ && said_close ? TunnelEnd::closed : TunnelEnd::pod_lost);
  inject_close(client_, settings_->drain.close_code, "upstream connection lost");
  discarding_ = true;
  if (closing_ == net::TimePoint{}) closing_ = worker_.now();
  if (client_.unsent.empty()) finish_side(client_);
}

bool Tunnel::side_lost(Side& side) {
  closed_first(name_of_side(side));
  if (&side == &pod_ && !discarding_) {
    pod_.unsent.clear();
    pod_gone();
    turn();  // what the client has sent is discarded, and its end may be there already
    return false;
  }
  const bool said_close = client_.scanner.close_seen() || pod_.scanner.close_seen();
  set_end(said_close ? TunnelEnd::closed : &side == &pod_ ? TunnelEnd::pod_lost : TunnelEnd::client_lost);
  retire();
  return false;
}

void Tunnel::inject_close(Side& to, std::uint16_t code, std::string_view reason) {
  if (!websocket_ || to.finished) return;
  const bool to_client = &to == &client_;
  auto& scanner = (to_client ? pod_ : client_).scanner;  // follows the stream towards `to`
  if (scanner.close_seen()) return;                      // nothing follows a Close (RFC 6455 5.5.1)
  if (!scanner.at_boundary()) {
    truncated_ = true;
    return;
  }
  const auto sender = to_client ? websocket::Sender::server : websocket::Sender::client;
  const auto close =
      websocket::make_close(sender, code, reason, static_cast<std::uint32_t>(worker_.random()));
  if (to_client) gateway_close_code_ = code;
  const auto written = to.unsent.empty() ? to.stream->try_write(close.view()) : net::IoResult(std::size_t{0});
  if (written.has_error() && !net::would_block(written.error())) return;  // the read side will see it end
  const auto rest = close.view().substr(written.has_value() ? *written : 0);
  if (!rest.empty()) {
    const auto before = to.unsent.capacity();
    to.unsent.append(rest);
    worker_.counters().tunnel_buffer_bytes.add(static_cast<std::int64_t>(to.unsent.capacity() - before));
    if (stalled_ == net::TimePoint{}) stalled_ = worker_.now();
  }
}

void Tunnel::end(std::uint16_t code, std::string_view reason, TunnelEnd why) {
  if (retired_ || discarding_) return;
  set_end(why);
  closed_first(TunnelSide::gateway);
  inject_close(pod_, code, reason);
  inject_close(client_, code, reason);
  if (pod_.unsent.empty()) finish_side(pod_);
  pod_.ended = true;
  discarding_ = true;
  if (closing_ == net::TimePoint{}) closing_ = worker_.now();
  if (client_.unsent.empty()) finish_side(client_);
  arm();
}

void Tunnel::finish_side(Side& to) {
  if (to.finished) return;
  to.finished = true;
  to.stream->shutdown_write();
}

void Tunnel::discard_from_client() {
  // A close with unread bytes would send RST, which can overtake the Close frame: what the client still says
  // is read until it ends its side.
  while (!client_.ended && client_.stream->readable()) {
    const auto read = client_.stream->try_read(worker_.scratch());
    if (read.has_error() && net::would_block(read.error())) return;
    if (read.has_error() || *read == 0) {
      client_.ended = true;
      if (client_.unsent.empty() || read.has_error()) retire();
      return;
    }
    if (websocket_) client_.scanner.consume(worker_.scratch().first(*read));
  }
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
  if (stalled_ != net::TimePoint{}) due = std::min(due, stalled_ + timeouts.write_stall);
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
  if (stalled_ != net::TimePoint{} && now >= stalled_ + timeouts.write_stall) {
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

void Tunnel::report() {
  auto record = record_.record();
  auto& tunnel = record.tunnel.emplace();
  tunnel.life = std::chrono::duration_cast<std::chrono::microseconds>(worker_.now() - opened_);
  tunnel.from_client = {client_.bytes, client_.scanner.counts().messages, client_.scanner.close_code()};
  tunnel.from_pod = {pod_.bytes, pod_.scanner.counts().messages, pod_.scanner.close_code()};
  tunnel.closed_first = closed_first_;
  tunnel.gateway_close_code = gateway_close_code_;
  tunnel.end = end_;
  const bool torn = websocket_ && (!pod_.scanner.at_boundary() || !client_.scanner.at_boundary());
  tunnel.truncated = truncated_ || (torn && end_ != TunnelEnd::closed);
  worker_.finish_tunnel(record, counters_);
}

}  // namespace tidegate::gateway
