// How tunnels end: proper last words to whoever is left, each once, and nothing lost that a pod has said.
#include <algorithm>

#include "gateway/process/worker.hpp"
#include "gateway/tunnel/tunnel.hpp"
#include "wire/websocket/control_frame.hpp"

namespace tidegate::gateway {
namespace {

// For a pod to answer the Close that it got, and to say what it still has to say.
constexpr std::chrono::seconds kPodAnswer{1};

TunnelEnd end_for(conf::CloseCause cause) {
  switch (cause) {
    case conf::CloseCause::draining: return TunnelEnd::drained;
    case conf::CloseCause::lost: return TunnelEnd::pod_lost;
    case conf::CloseCause::removed: return TunnelEnd::removed;
    case conf::CloseCause::shutdown: return TunnelEnd::shutdown;
    case conf::CloseCause::rebalance: return TunnelEnd::rebalanced;
    case conf::CloseCause::overflow: break;  // never got as far as a tunnel
  }
  return TunnelEnd::closed;
}

}  // namespace

// === a side ends of itself ===

void Tunnel::side_ended(Side& from, Side& to) {
  from.ended = true;
  closed_first(name_of_side(from));
  if (leaving() && &from == &pod_) return part_from_client();
  // A pod that ends without a Close is lost, whether its client waits for a message or for the answer to a
  // Close of its own. After its client has ended it is not, and nobody reads a Close any more.
  if (policy_ && &from == &pod_ && !pod_.scanner.close_seen() && !client_.ended) return pod_gone();
  if (policy_ && !said_close()) set_end(TunnelEnd::client_lost);
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
  if (&from == &pod_ && policy_) {
    pod_gone();
    return true;
  }
  set_end(policy_ && said_close() ? TunnelEnd::closed
          : &from == &pod_        ? TunnelEnd::pod_lost
                                  : TunnelEnd::client_lost);
  // Of a protocol that is not followed nobody knows whether it was cut: a reset is passed on as one.
  if (!policy_) (&from == &pod_ ? client_ : pod_).stream->reset_on_close();
  retire();
  return false;
}

// The pod is lost. What it sent before has been handed to the client's side; behind it comes a Close if the
// stream stands between two frames.
void Tunnel::pod_gone() {
  drop_unsent(pod_);
  if (leaving()) return part_from_client();
  set_end(said_close() ? TunnelEnd::closed : TunnelEnd::pod_lost);
  if (client_.scanner.close_seen()) {
    answer_close();
  } else {
    const auto& words = settings_->closes.of(conf::CloseCause::lost);
    put_in_close(client_, words.code, words.reason);
  }
  begin_discarding();
}

// The client's Close in place of a pod that can no longer answer it, with the client's own code (RFC
// 6455 5.5.1).
void Tunnel::answer_close() {
  const auto said = client_.scanner.close_code();
  put_in_close(client_, websocket::is_sendable_close_code(said) ? said : std::uint16_t{1000}, {});
}

void Tunnel::put_in_close(Side& to, std::uint16_t code, std::string_view reason) {
  if (!policy_ || to.finished || to.deaf) return;
  const auto& scanner = other(to).scanner;        // follows the stream towards `to`
  if (scanner.close_passed() || to.told) return;  // nothing follows a Close (RFC 6455 5.5.1)
  if (!scanner.at_boundary()) {
    truncated_ = true;
    return;
  }
  const bool to_client = &to == &client_;
  const auto sender = to_client ? websocket::Sender::server : websocket::Sender::client;
  const auto close =
      websocket::make_close(sender, code, reason, static_cast<std::uint32_t>(worker_.random()));
  to.told = true;
  deliver(to, close.view());
  if (to_client && !to.deaf) gateway_close_code_ = code;
}

// === the gateway ends it ===

void Tunnel::leave(std::uint16_t code, std::string_view reason, TunnelEnd why) {
  if (retired_ || discarding_ || frozen_ || leaving()) return;
  // Of bytes that are not followed nobody knows where to put a Close; two Closes are no conversation.
  if (!policy_ || said_close()) return end(code, reason, why);
  set_end(why);
  closed_first(TunnelSide::gateway);
  goodbye_code_ = code;
  goodbye_reason_ = reason;
  leaving_since_ = worker_.now();
  worker_.loop().wake_soon(*this, net::Cause::none);
  arm();
}

void Tunnel::leave(conf::CloseCause cause) {
  const auto& words = settings_->closes.of(cause);
  leave(words.code, words.reason, end_for(cause));
}

void Tunnel::end(conf::CloseCause cause) {
  const auto& words = settings_->closes.of(cause);
  end(words.code, words.reason, end_for(cause));
}

// The steps of it, as soon as each can be taken.
void Tunnel::take_leave() {
  if (discarding_) return;
  if (!pod_.told && client_.scanner.at_boundary()) {
    put_in_close(pod_, goodbye_code_, goodbye_reason_);
    client_.muted = true;
  }
  // A client that takes nothing keeps the pod from saying the rest: that is not the pod's silence.
  const bool waited = client_.unsent.empty() && worker_.now() >= leaving_since_ + kPodAnswer;
  if (waited || pod_.scanner.close_seen() || pod_.deaf) part_from_client();
}

net::TimePoint Tunnel::leave_due() const {
  return client_.unsent.empty() ? leaving_since_ + kPodAnswer : net::TimePoint::max();
}

void Tunnel::part_from_client() {
  if (discarding_) return;
  put_in_close(client_, goodbye_code_, goodbye_reason_);
  begin_discarding();
}

void Tunnel::end(std::uint16_t code, std::string_view reason, TunnelEnd why) {
  if (retired_ || discarding_ || frozen_) return;
  set_end(why);
  closed_first(TunnelSide::gateway);
  put_in_close(pod_, code, reason);
  put_in_close(client_, code, reason);
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
  if (discarding_) closing_ = worker_.now();  // its answer may take as long as any
}

// Who reads slowly gets the last words too, as long as he reads at all.
net::TimePoint Tunnel::closing_due() const {
  const auto& timeouts = settings_->timeouts;
  const auto due = closing_ + timeouts.fin;
  return client_.stalled == net::TimePoint{} ? due : std::max(due, client_.stalled + timeouts.write_stall);
}

void Tunnel::closed_first(TunnelSide side) {
  if (closed_first_ == TunnelSide::none) closed_first_ = side;
}

void Tunnel::set_end(TunnelEnd end) {
  if (!end_known_) end_ = end;
  end_known_ = true;
}

// === time ===

void Tunnel::on_deadline() {
  const auto now = worker_.now();
  const auto& timeouts = settings_->timeouts;
  if (closing_ != net::TimePoint{} && now >= closing_due()) return retire();
  if (discarding_) return arm();  // ended already: only the time of its last words counts
  for (const auto* side : {&client_, &pod_}) {
    if (side->stalled == net::TimePoint{} || now < side->stalled + timeouts.write_stall) continue;
    if (side == &pod_)
      return end(settings_->closes.of(conf::CloseCause::lost).code, "upstream reads no more",
                 TunnelEnd::write_stall);
    set_end(TunnelEnd::write_stall);
    closed_first(TunnelSide::gateway);
    return retire();
  }
  if (now >= expires_) {
    leave(1001, "maximum lifetime reached", TunnelEnd::lifetime);
  } else if (now >= active_ + timeouts.websocket_idle) {
    leave(1001, "idle timeout", TunnelEnd::idle_timeout);
  } else if (care_) {
    look_after();
  }
  if (!discarding_) turn();
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
  const bool torn = policy_ && (!pod_.scanner.at_boundary() || !client_.scanner.at_boundary());
  const bool cut = !policy_ && (tunnel.from_client.cut || tunnel.from_pod.cut);
  tunnel.truncated = truncated_ || cut || (torn && end_ != TunnelEnd::closed);
  worker_.finish_tunnel(record, counters_);
}

}  // namespace tidegate::gateway
