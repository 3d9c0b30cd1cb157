// Forward's first question: which endpoint, and when.
#include <algorithm>
#include <array>

#include "gateway/exchange/forward.hpp"
#include "gateway/exchange/variables.hpp"
#include "gateway/process/control.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {
namespace {

// Takes a place in the waiting room and gives it back, however the waiting ends.
class SeatTaken {
 public:
  SeatTaken(Worker& worker, HoldSeat& seat, std::uint32_t cluster, upstream::ClusterShared& shared,
            UpstreamCounters& counters)
      : worker_(worker), seat_(seat), cluster_(cluster), shared_(shared), counters_(counters) {
    counters_.waiting.add();
    if (seat_.upgrade) shared_.waiting_upgrades.fetch_add(1, std::memory_order_relaxed);
    worker_.enter_hold(seat_, cluster_);
  }
  SeatTaken(const SeatTaken&) = delete;
  SeatTaken& operator=(const SeatTaken&) = delete;
  ~SeatTaken() {
    worker_.leave_hold(seat_, cluster_);
    shared_.waiting.fetch_sub(1, std::memory_order_relaxed);
    if (seat_.upgrade) shared_.waiting_upgrades.fetch_sub(1, std::memory_order_relaxed);
    counters_.waiting.subtract();
  }

 private:
  Worker& worker_;
  HoldSeat& seat_;
  std::uint32_t cluster_;
  upstream::ClusterShared& shared_;
  UpstreamCounters& counters_;
};

void count(UpstreamCounters& counters, HoldResult result) {
  counters.holds[static_cast<std::size_t>(result)].add();
}

}  // namespace

std::uint64_t Forward::hash_key() const {
  const auto& balance = settings().balance;
  const auto& fields = exchange_.request.fields;
  switch (balance.hash_key) {
    case conf::HashKey::client_address: return upstream::hash_of(exchange_.record.client_address);
    case conf::HashKey::header: return upstream::hash_of(fields.find(balance.hash_name).value_or(""));
    case conf::HashKey::cookie: return upstream::hash_of(cookie(fields, balance.hash_name));
    case conf::HashKey::path: return upstream::hash_of(exchange_.path);
  }
  return 0;
}

upstream::Reservation Forward::pick_now() {
  const auto& view = *cluster();
  upstream::PickAsk ask;
  ask.now = worker_.now();
  ask.socket = is_upgrade();
  if (settings().balance.kind == conf::Balance::hash) ask.hash = hash_key();
  if (settings().balance.kind == conf::Balance::sticky) {
    ask.sticky = cookie(exchange_.request.fields, settings().balance.sticky_cookie);
  }
  // A place may be lost to another worker between the look and the reservation; each member is asked at most
  // once.
  const auto tried_before = tried_.size();
  upstream::Reservation place;
  for (;;) {
    ask.tried = tried_;
    const auto* member = upstream::pick(view, worker_.pick_state(cluster_id_), ask);
    if (member == nullptr) break;
    if (member->endpoint->reserve()) {
      place = upstream::Reservation(member->endpoint);
      break;
    }
    tried_.push_back(member->endpoint->id());
  }
  tried_.resize(tried_before);
  return place;
}

bool Forward::other_endpoint_left() const {
  const auto& members = cluster()->members;
  return std::any_of(members.begin(), members.end(), [&](const upstream::Member& member) {
    const auto& endpoint = *member.endpoint;
    return endpoint.takes(is_upgrade()) && !endpoint.full() &&
           (!endpoint_ || endpoint.id() != endpoint_->id()) &&
           std::find(tried_.begin(), tried_.end(), endpoint.id()) == tried_.end();
  });
}

bool Forward::is_unresolved() const {
  const auto& view = *cluster();
  return view.members.empty() && view.absence && view.absence->unresolved;
}

// Every endpoint that does not leave is out for its certificate, which does not become right by waiting.
bool Forward::none_trusted() const {
  bool found = false;
  for (const auto& member : cluster()->members) {
    const auto state = member.endpoint->state();
    if (state == upstream::EndpointState::draining || state == upstream::EndpointState::removed) continue;
    if (state != upstream::EndpointState::unready || !member.endpoint->untrusted()) return false;
    found = true;
  }
  return found;
}

FailureReason Forward::reason_for_none() const {
  if (none_trusted()) return FailureReason::tls_certificate_error;
  if (is_unresolved()) return FailureReason::unresolved;
  bool refused = false;
  bool taken = false;
  for (const auto& member : cluster()->members) {
    const auto& endpoint = *member.endpoint;
    if (!endpoint.eligible()) continue;
    const bool takes = endpoint.takes(is_upgrade());
    if (takes && endpoint.full()) return FailureReason::endpoints_full;
    (takes ? taken : refused) = true;
  }
  return refused && !taken ? FailureReason::sockets_refused : FailureReason::no_ready_endpoint;
}

// What stands against every endpoint, for whoever reads the failure: "0 of 3 endpoints can take it: 2
// unready, 1 full".
std::string Forward::describe_endpoints() const {
  const auto& members = cluster()->members;
  if (members.empty() && cluster()->absence) return "there are no endpoints: " + cluster()->absence->why;
  std::array<int, 5> states{};
  int full = 0;
  int refusing = 0;
  for (const auto& member : members) {
    const auto state = member.endpoint->state();
    const bool ready = state == upstream::EndpointState::ready;
    if (ready && is_upgrade() && !member.endpoint->takes_new_sockets()) {
      ++refusing;
    } else if (ready && member.endpoint->full()) {
      ++full;
    } else {
      ++states[static_cast<std::size_t>(state)];
    }
  }
  const int ready = states[static_cast<std::size_t>(upstream::EndpointState::ready)];
  std::string text =
      std::to_string(ready) + " of " + std::to_string(members.size()) + " endpoints can take it:";
  const auto append = [&](int count, std::string_view name) {
    if (count > 0) text.append(" ").append(std::to_string(count)).append(" ").append(name).append(",");
  };
  for (std::size_t i = 0; i < states.size(); ++i)
    append(states[i], name_of(static_cast<upstream::EndpointState>(i)));
  append(full, "full");
  append(refusing, refusing == 1 ? "takes no new sockets" : "take no new sockets");
  text.pop_back();
  return text;
}

bool Forward::retry_affordable() const {
  return within_budget(settings().retry, shared_->active_requests.load(std::memory_order_relaxed),
                       shared_->active_retries.load(std::memory_order_relaxed));
}

// True where an upgrade would be ahead of the pace, or of others that wait for it.
bool Forward::is_ahead_of_pace() {
  auto& total = worker_.control().total_pace();
  if (on_pace_ || !is_upgrade() || (!shared_->pace.limits() && !total.limits())) return false;
  on_pace_ = shared_->waiting_upgrades.load(std::memory_order_relaxed) == 0 &&
             take_both(shared_->pace, total, worker_.now());
  return !on_pace_;
}

// Endpoints may serve other requests while none of them takes new sockets.
bool Forward::waits_for_sockets() const {
  return is_upgrade() && upstream::has_socket_probes(*cluster()->settings);
}

bool Forward::must_wait_in_line() {
  if (!retrying_) {
    // First come, first served: a newcomer does not overtake those who wait for what it waits for.
    auto waiting = shared_->waiting.load(std::memory_order_relaxed);
    if (!waits_for_sockets()) waiting -= shared_->waiting_upgrades.load(std::memory_order_relaxed);
    return settings().hold.enabled && waiting > 0;
  }
  if (retry_slot_) return false;
  if (retry_affordable()) {
    retry_slot_ = true;
    shared_->active_retries.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  counters_.retries_denied.add();
  return true;
}

// The reason why nothing was picked, unless a failed try has left a better one.
void Forward::note_none() {
  if (failure_ != FailureReason::none) return;
  failure_ = reason_for_none();
  failure_details_ = describe_endpoints();
}

net::Task<upstream::Reservation> Forward::choose() {
  if (is_ahead_of_pace()) {
    if (settings().hold.enabled) co_return co_await hold();
    failure_ = FailureReason::hold_full;
    failure_details_ = "more upgrades a second than handshakesPerSecond grants";
    co_return upstream::Reservation();
  }
  const bool in_line = must_wait_in_line();
  if (!in_line || !settings().hold.enabled) {
    // A retry beyond the budget is not made where nobody can wait: the failure that led here stands.
    if (in_line && retrying_) {
      note_none();
      co_return upstream::Reservation();
    }
    auto place = pick_now();
    if (place) co_return place;
    note_none();
    if (!settings().hold.enabled) co_return upstream::Reservation();
  }
  if (none_trusted()) {
    note_none();
    co_return upstream::Reservation();
  }
  co_return co_await hold();
}

net::Task<upstream::Reservation> Forward::hold() {
  const auto& policy = settings().hold;
  const auto began = net::Clock::now();
  const auto before = shared_->waiting.fetch_add(1, std::memory_order_relaxed);
  if (static_cast<std::size_t>(before) >= policy.max_waiting) {
    shared_->waiting.fetch_sub(1, std::memory_order_relaxed);
    count(counters_, HoldResult::refused);
    failure_ = FailureReason::hold_full;
    co_return upstream::Reservation();
  }
  HoldSeat seat(worker_.loop());
  seat.client = worker_.client_of(client_.entrance(), exchange_.client_address);
  const bool paced =
      is_upgrade() && !on_pace_ && (shared_->pace.limits() || worker_.control().total_pace().limits());
  seat.upgrade = paced || waits_for_sockets();
  const SeatTaken taken(worker_, seat, cluster_id_, *shared_, counters_);
  net::Wait wait(worker_.loop());
  wait.signal(seat.granted)
      .hangup(client_.stream())
      .until(std::min(worker_.now() + policy.max_wait, deadline_));
  const auto cause = co_await wait;

  const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - began);
  exchange_.record.hold_time += waited;
  counters_.hold_wait.observe(waited);
  if (cause == net::Cause::signal) {
    count(counters_, HoldResult::granted);
    on_pace_ = on_pace_ || seat.upgrade;
    tried_.clear();  // what was tried before the wait may be well again
    // The grant's endpoint was picked without knowing the request; one that the request asks for goes first.
    const auto kind = settings().balance.kind;
    if (kind == conf::Balance::sticky || kind == conf::Balance::hash) {
      if (auto asked = pick_now()) co_return asked;
    }
    co_return std::move(seat.place);
  }
  const bool left = cause == net::Cause::hangup;
  count(counters_, left ? HoldResult::abandoned : HoldResult::expired);
  // Who met a failure of TLS before the wait is told that: it is what has to be mended.
  const bool met_tls =
      failure_ == FailureReason::tls_failed || failure_ == FailureReason::tls_certificate_error;
  if (!left && (met_tls || none_trusted())) {
    note_none();
    co_return upstream::Reservation();
  }
  const auto reason = reason_for_none();
  const bool told = reason == FailureReason::sockets_refused || reason == FailureReason::unresolved;
  failure_ = left ? FailureReason::client_gone : told ? reason : FailureReason::hold_expired;
  failure_details_ = describe_endpoints();
  co_return upstream::Reservation();
}

}  // namespace tidegate::gateway
