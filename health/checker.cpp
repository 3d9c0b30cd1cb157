#include "health/checker.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "health/probe_loop.hpp"

namespace tidegate::health {

using upstream::Clock;
using upstream::EndpointId;
using upstream::EndpointState;

class Checker::Loops : public std::enable_shared_from_this<Loops> {
 public:
  Loops(boost::asio::io_context& context, Report report, Options options)
      : context_(context), report_(std::move(report)), options_(std::move(options)), random_(options_.seed) {}

  void watch(const upstream::ClusterView& view);
  void suspect(EndpointId id);
  void hurry(EndpointId id);
  void set_waiting(std::string_view cluster, bool waiting);
  void set_tls(TlsClients clients) { tls_ = std::move(clients); }

 private:
  void adopt(const upstream::EndpointPtr& endpoint, ProbeKind kind,
             const std::shared_ptr<const conf::Upstream>& settings);
  void forget(LoopKey key);
  void note_answerer(ProbeLoop& loop, std::string_view name);
  void arm(ProbeLoop& loop);
  void begin(ProbeLoop& loop);
  void begin_queued();
  void finish(LoopKey key, const ProbeResult& result);
  [[nodiscard]] ProbeLoop* find(LoopKey key);
  // The one that says whether it is ready.
  [[nodiscard]] ProbeLoop* find(EndpointId id) { return find({id, ProbeKind::readiness}); }

  [[nodiscard]] std::shared_ptr<const net::TlsClient> tls_of(const ProbeLoop& loop) const {
    const auto found = tls_.find(loop.settings->name);
    return found == tls_.end() ? nullptr : found->second;
  }

  boost::asio::io_context& context_;
  TlsClients tls_;
  Report report_;
  Options options_;
  std::mt19937_64 random_;
  std::map<LoopKey, std::unique_ptr<ProbeLoop>> loops_;
  std::map<std::string, std::vector<EndpointId>, std::less<>> clusters_;
  std::set<std::string, std::less<>> waiting_;
  std::deque<LoopKey> queue_;  // due, but too many probes are in flight
  std::size_t in_flight_ = 0;
  std::uint64_t arms_ = 0;
  std::uint64_t watches_ = 0;
};

ProbeLoop* Checker::Loops::find(LoopKey key) {
  const auto found = loops_.find(key);
  return found == loops_.end() ? nullptr : found->second.get();
}

// === membership ===

void Checker::Loops::watch(const upstream::ClusterView& view) {
  ++watches_;
  std::vector<EndpointId> watched;
  for (const auto& member : view.members) {
    const auto state = member.endpoint->state();
    if (state == EndpointState::draining || state == EndpointState::removed) continue;
    for (const auto kind : probe_kinds) adopt(member.endpoint, kind, view.settings);
    watched.push_back(member.endpoint->id());
  }
  auto& known = clusters_[view.settings->name];
  std::swap(known, watched);
  for (const auto id : watched) {
    const auto* loop = find(id);
    if (loop == nullptr || loop->watched == watches_) continue;
    for (const auto kind : probe_kinds) forget({id, kind});
  }
  if (view.members.empty()) clusters_.erase(view.settings->name);
  begin_queued();
}

void Checker::Loops::adopt(const upstream::EndpointPtr& endpoint, ProbeKind kind,
                           const std::shared_ptr<const conf::Upstream>& settings) {
  const bool readiness = kind == ProbeKind::readiness;
  if (!readiness && !probe_of(*settings, kind)) return forget({endpoint->id(), kind});
  const auto now = Clock::now();
  auto& place = loops_[{endpoint->id(), kind}];
  const bool added = place == nullptr;
  if (added) place = std::make_unique<ProbeLoop>(context_, endpoint, kind);
  auto& loop = *place;
  const auto before = std::exchange(loop.settings, settings);
  loop.watched = watches_;

  const auto verdict = loop.counter.verdict();
  const auto shown = verdict_shown_by(endpoint->state());
  // What moves the state says nothing of new sockets.
  if (added || probe_of(*before, kind) != probe_of(*settings, kind)) {
    loop.restart(verdict, now);
  } else if (readiness && shown == Verdict::unknown && verdict != Verdict::unknown) {
    loop.restart(Verdict::unknown, now);  // it has left draining
  } else if (readiness && shown == Verdict::fail && verdict != Verdict::fail) {
    loop.fail(now);
  } else {
    return;
  }
  arm(loop);
}

void Checker::Loops::forget(LoopKey key) {
  const auto found = loops_.find(key);
  if (found == loops_.end()) return;
  if (found->second->flight) --in_flight_;
  loops_.erase(found);
}

void Checker::Loops::suspect(EndpointId id) {
  auto* const loop = find(id);
  if (loop == nullptr) return;
  if (loop->settings->virtual_address && !loop->probed()) return;  // stays ready, nothing to find out
  loop->fail(Clock::now());
  arm(*loop);
}

void Checker::Loops::hurry(EndpointId id) {
  auto* const loop = find(id);
  if (loop == nullptr || !loop->probed()) return;
  loop->suspected = true;
  arm(*loop);
}

void Checker::Loops::set_waiting(std::string_view cluster, bool waiting) {
  if (waiting_.contains(cluster) == waiting) return;
  if (waiting) {
    waiting_.emplace(cluster);
  } else {
    waiting_.erase(waiting_.find(cluster));
  }
  const auto members = clusters_.find(cluster);
  if (members == clusters_.end()) return;
  for (const auto id : members->second) {
    for (const auto kind : probe_kinds) {
      auto* const loop = find({id, kind});
      if (loop != nullptr && loop->counter.verdict() != Verdict::pass) arm(*loop);
    }
  }
}

// === one loop ===

void Checker::Loops::arm(ProbeLoop& loop) {
  if (loop.flight || loop.queued) return;  // armed when the probe has ended
  const auto now = Clock::now();
  if (loop.due <= now) return;  // about to begin; set anew again and again it never would
  const auto facts = loop.schedule_facts(waiting_.contains(loop.settings->name));
  loop.armed = ++arms_;
  const auto at = next_probe(facts, std::uniform_real_distribution(-1.0, 1.0)(random_));
  loop.due = at ? std::max(*at, now) : TimePoint::max();
  if (!at) {
    loop.timer.cancel();
    return;
  }
  loop.timer.expires_at(loop.due);
  const auto wake = [weak = weak_from_this(), key = loop.key(), armed = loop.armed](const auto& cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self) return;
    // A handler that was already queued when its timer was set anew, or its loop forgotten, comes too late.
    if (auto* const due = self->find(key); due != nullptr && due->armed == armed) self->begin(*due);
  };
  loop.timer.async_wait(wake);
}

void Checker::Loops::begin(ProbeLoop& loop) {
  const auto key = loop.key();
  loop.due = TimePoint::max();
  if (in_flight_ >= options_.most_probes) {
    loop.queued = true;
    queue_.push_back(key);
    return;
  }
  ++in_flight_;
  loop.suspected = false;
  loop.last = Clock::now();
  loop.flight.emplace(context_, loop.request(tls_of(loop)),
                      [this, key](const ProbeResult& result) { finish(key, result); });
}

void Checker::Loops::begin_queued() {
  while (in_flight_ < options_.most_probes && !queue_.empty()) {
    auto* const loop = find(queue_.front());
    queue_.pop_front();
    if (loop != nullptr && std::exchange(loop->queued, false)) begin(*loop);
  }
}

// `this` and the loop live: a forgotten loop takes its probe with it, and a destroyed probe does not report.
void Checker::Loops::finish(LoopKey key, const ProbeResult& result) {
  auto& loop = *find(key);
  loop.flight.reset();
  --in_flight_;

  note_answerer(loop, result.answered_by);
  const auto changed = loop.count(result, Clock::now());
  const bool readiness = key.probe == ProbeKind::readiness;
  // As where a request finds it: nobody is made to wait for what waiting does not mend.
  if (readiness && changed == Verdict::fail && result.untrusted) loop.endpoint->distrust();
  auto cause = (readiness ? "probe: " : "") + result.evidence;
  if (loop.counter.run() > 1) cause += " (" + std::to_string(loop.counter.run()) + " in a row)";
  arm(loop);
  begin_queued();
  // Of new sockets the last word is told again: who hears it may have forgotten the one before.
  const auto told = changed || readiness ? changed : loop.counter.verdict();
  if (told && *told != Verdict::unknown)  // last, since it may call back and end this very loop
    report_({key.endpoint, key.probe, *told, std::move(cause)});
}

void Checker::Loops::note_answerer(ProbeLoop& loop, std::string_view name) {
  if (!options_.shared || loop.settings->virtual_address || !loop.answerers.are_several(name)) return;
  options_.shared({loop.endpoint, loop.settings->name, loop.answerers.names()});
}

// === checker ===

Checker::Checker(boost::asio::io_context& context, Report report)
    : Checker(context, std::move(report), Options{}) {}

Checker::Checker(boost::asio::io_context& context, Report report, Options options)
    : loops_(std::make_shared<Loops>(context, std::move(report), std::move(options))) {}

Checker::~Checker() = default;

void Checker::watch(const upstream::ClusterView& view) {
  loops_->watch(view);
}
void Checker::suspect(upstream::EndpointId id) {
  loops_->suspect(id);
}
void Checker::hurry(upstream::EndpointId id) {
  loops_->hurry(id);
}
void Checker::set_tls(TlsClients clients) {
  loops_->set_tls(std::move(clients));
}
void Checker::set_waiting(std::string_view cluster, bool waiting) {
  loops_->set_waiting(cluster, waiting);
}

}  // namespace tidegate::health
