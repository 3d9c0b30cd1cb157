// The frames of a WebSocket as they pass: what goes on, what breaks the rules, pings of the gateway's own.
#include <algorithm>
#include <cstring>

#include "gateway/process/control.hpp"
#include "gateway/process/worker.hpp"
#include "gateway/tunnel/tunnel.hpp"
#include "health/leave_signal.hpp"
#include "wire/websocket/control_frame.hpp"

namespace tidegate::gateway {

void Tunnel::follow(Side& from, Side& to, std::string_view bytes) {
  const bool from_client = &from == &client_;
  const auto bytes_before = from.bytes;
  const auto messages_before = from.scanner.counts().messages;
  const bool code_known = from.scanner.close_code() != 0;
  from.scanner.filter(bytes, rules_for(from), [&](std::string_view run) {
    if (from.muted) return;
    from.bytes += run.size();
    deliver(to, run);
  });
  const auto messages = from.scanner.counts().messages - messages_before;
  (from_client ? counters_.tunnel_bytes_from_client : counters_.tunnel_bytes_from_pod)
      .add(from.bytes - bytes_before);
  (from_client ? counters_.messages_from_client : counters_.messages_from_pod).add(messages);
  if (from.scanner.close_seen()) closed_first(name_of_side(from));
  if (!from_client && !code_known && from.scanner.close_code() != 0) note_leaving_close();
  if (from.scanner.take_pong()) to.scanner.close_ping();
  if (from.scanner.fault() != websocket::FrameFault::none && rules_for(from).enforced)
    return end_for_fault(from);
  if (!care_) return;
  (from_client ? care_->client : care_->pod).hear(worker_.now());
  if (from_client) count_pace(messages, bytes.size());
  if (to.ping_wanted) ping(to);
}

websocket::FrameRules Tunnel::rules_for(const Side& from) const {
  websocket::FrameRules rules;
  rules.enforced = policy_->inspect == conf::Inspect::enforce;
  if (&from == &client_) {
    rules.frame_bytes = policy_->frame_bytes;
    rules.message_bytes = policy_->message_bytes;
  } else {
    rules.withholds_close = leaving();
  }
  return rules;
}

void Tunnel::end_for_fault(const Side& from) {
  const auto fault = from.scanner.fault();
  const auto code = websocket::close_code_for(fault);
  closed_first(name_of_side(from));
  details_ = websocket::describe(fault);
  end(code, details_, code == 1009 ? TunnelEnd::too_big : TunnelEnd::protocol_error);
}

// A Close that the pod has thought of itself may say that it leaves. One that answers a Close, of the client
// or of the gateway, has another's code.
void Tunnel::note_leaving_close() {
  const auto code = pod_.scanner.close_code();
  const auto& endpoint = place_.endpoint();
  if (closed_first_ != TunnelSide::pod || !health::speaks_of_leaving(code)) return;
  if (settings_->virtual_address || !endpoint->eligible()) return;
  // Behind a fault the client's frames are not read: its own Close may have been the first.
  if (client_.scanner.fault() != websocket::FrameFault::none) return;
  const bool newcomer = client_.bytes == 0 && worker_.now() - opened_ <= health::LeaveSignal::window;
  const auto client = worker_.client_of(record_.record().client_address);
  const auto sign = worker_.control().note_leaving_close(endpoint, {code, client, newcomer});
  if (sign) counters_.leave_signals[static_cast<std::size_t>(*sign)].add();
}

// === rates ===

void Tunnel::count_pace(std::uint64_t messages, std::uint64_t bytes) {
  const auto& rate = policy_->rate;
  if (!rate.limits() || discarding_) return;
  const auto now = worker_.now();
  const auto resume = care_->pace.count(rate, messages, bytes, now);
  if (resume <= now) return;
  if (rate.over == conf::OverRate::close) return end(1008, "too many messages", TunnelEnd::too_fast);
  care_->paused_until = resume;
}

bool Tunnel::is_paused(const Side& from) const {
  return care_ && &from == &client_ && worker_.now() < care_->paused_until;
}

// === pings ===

void Tunnel::look_after() {
  look_after(client_, care_->client, policy_->pings.client);
  look_after(pod_, care_->pod, policy_->pings.upstream);
}

void Tunnel::look_after(Side& side, Pulse& pulse, std::chrono::milliseconds interval) {
  if (interval.count() == 0 || discarding_) return;
  const auto now = worker_.now();
  // Who is not read cannot be heard.
  if (!other(side).unsent.empty() || is_paused(side)) return pulse.hear(now);
  const bool is_client = &side == &client_;
  switch (pulse.look(interval, policy_->pings.dead_after, now)) {
    case PulseNeed::nothing: return;
    case PulseNeed::ping: pulse.ping(now); return ping(side);
    case PulseNeed::dead:
      closed_first(name_of_side(side));
      return end(1001, is_client ? "client is silent" : "upstream is silent",
                 is_client ? TunnelEnd::client_silent : TunnelEnd::pod_silent);
  }
}

void Tunnel::ping(Side& to) {
  const auto& towards = other(to).scanner;
  to.ping_wanted = false;
  if (towards.close_passed() || to.told || to.deaf || to.finished) return;
  // It may answer only the latest ping (RFC 6455 5.5.3), which must not be ours if somebody waits for
  // another.
  if (towards.ping_open()) return;
  if (!towards.at_boundary()) {
    to.ping_wanted = true;
    return;
  }
  if (to.scanner.cookie() == nullptr) {
    const auto random = worker_.random();
    websocket::PingCookie cookie{};
    std::memcpy(cookie.data(), &random, cookie.size());
    to.scanner.withhold_pongs(cookie);
  }
  const auto sender = &to == &client_ ? websocket::Sender::server : websocket::Sender::client;
  const auto frame =
      websocket::make_ping(sender, *to.scanner.cookie(), static_cast<std::uint32_t>(worker_.random()));
  deliver(to, frame.view());
}

net::TimePoint Tunnel::care_due() const {
  const auto& pings = policy_->pings;
  auto due = net::TimePoint::max();
  if (pings.client.count() > 0) due = std::min(due, care_->client.due(pings.client, pings.dead_after));
  if (pings.upstream.count() > 0) due = std::min(due, care_->pod.due(pings.upstream, pings.dead_after));
  if (is_paused(client_)) due = std::min(due, care_->paused_until);
  return due;
}

}  // namespace tidegate::gateway
