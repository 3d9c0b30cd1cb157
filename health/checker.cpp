#include "health/checker.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "health/probe.hpp"
#include "health/schedule.hpp"
#include "health/verdict.hpp"

namespace tidegate::health {
namespace {

using upstream::Clock;
using upstream::EndpointId;
using upstream::EndpointState;
using namespace std::chrono_literals;

constexpr auto connect_check_timeout = 1s;

bool same_header(const conf::HttpHeader& a, const conf::HttpHeader& b) {
  return a.name == b.name && a.value == b.value;
}

bool same_action(const conf::HttpGetAction& a, const conf::HttpGetAction& b) {
  return a.path == b.path && a.port == b.port && a.host == b.host && a.https == b.https &&
         std::ranges::equal(a.http_headers, b.http_headers, same_header);
}

bool same_action(const conf::TcpSocketAction& a, const conf::TcpSocketAction& b) {
  return a.port == b.port;
}

bool same_probe(const std::optional<conf::ReadinessProbe>& a, const std::optional<conf::ReadinessProbe>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  const auto same = [&](const auto& action) {
    const auto* other = std::get_if<std::decay_t<decltype(action)>>(&b->action);
    return other != nullptr && same_action(action, *other);
  };
  return std::visit(same, a->action) && a->initial_delay == b->initial_delay && a->period == b->period &&
         a->timeout == b->timeout && a->success_threshold == b->success_threshold &&
         a->failure_threshold == b->failure_threshold;
}

Verdict verdict_shown_by(EndpointState state) {
  if (state == EndpointState::ready) return Verdict::pass;
  return state == EndpointState::unready ? Verdict::fail : Verdict::unknown;
}

// The probe loop of one endpoint: a timer or a probe in flight or a place in the queue, or nothing to do.
struct Loop {
  Loop(boost::asio::io_context& context, upstream::EndpointPtr target)
      : endpoint(std::move(target)), counter(verdict_shown_by(endpoint->state())), timer(context) {}

  upstream::EndpointPtr endpoint;
  std::shared_ptr<const conf::Upstream> settings;
  VerdictCounter counter;
  TimePoint since = Clock::now();
  std::optional<TimePoint> last;  // see ScheduleFacts
  int failed_checks = 0;
  bool suspected = false;
  bool queued = false;
  std::optional<Probe> flight;
  boost::asio::steady_timer timer;
  std::uint64_t armed = 0;  // number of the wait that counts
  TimePoint due = TimePoint::max();
  std::uint64_t watched = 0;  // number of the last `watch` that named it

  [[nodiscard]] bool probed() const { return settings->probe.has_value(); }

  void fail(TimePoint now) {
    if (!probed() && counter.verdict() != Verdict::fail) {
      last = now;
      failed_checks = 0;
    }
    counter.fail();
    suspected = true;
  }

  // Begins the count anew with this verdict; a configured probe is sent at once.
  void restart(Verdict verdict, TimePoint now) {
    counter = VerdictCounter(verdict);
    failed_checks = 0;
    last.reset();
    if (!probed()) last = now;
  }
};

// Whether a probe is made over TLS: as it says, else as requests are, unless it goes to another port. A pod
// that accepts connections and fails every handshake is not ready, so that a TCP probe has one as well.
bool is_secure(const Loop& loop) {
  const auto& address = loop.endpoint->address();
  const auto& action = loop.settings->probe->action;
  const auto port = std::visit([](const auto& any) { return any.port; }, action);
  const bool own_port = port == 0 || port == address.port || address.is_unix();
  const bool as_requests = loop.settings->tls.has_value() && own_port;
  const auto* const http_get = std::get_if<conf::HttpGetAction>(&action);
  return http_get == nullptr ? as_requests : http_get->https.value_or(as_requests);
}

// As the kubelet does: it does not know the CA of a pod.
std::shared_ptr<const net::TlsClient> unverified() {
  static const auto client = [] {
    net::TlsClientSettings settings;
    settings.verify = false;
    return std::make_shared<const net::TlsClient>(settings, std::chrono::system_clock::now());
  }();
  return client;
}

ProbeRequest request_for(const Loop& loop, const std::shared_ptr<const net::TlsClient>& tls) {
  // An endpoint that is found down for its certificate is not well again because it accepts connections.
  if (!loop.probed()) {
    return {loop.endpoint->address(), conf::TcpSocketAction{}, connect_check_timeout, tls,
            loop.settings->proxy_protocol};
  }
  const auto& probe = *loop.settings->probe;
  const auto client = is_secure(loop) ? (tls ? tls : unverified()) : nullptr;
  return {loop.endpoint->address(), probe.action, probe.timeout, client, loop.settings->proxy_protocol};
}

VerdictRules rules_for(const Loop& loop) {
  if (!loop.probed()) return {1, 1, {}};
  const auto& probe = *loop.settings->probe;
  return {probe.success_threshold, probe.failure_threshold, probe.initial_delay};
}

}  // namespace

class Checker::Loops : public std::enable_shared_from_this<Loops> {
 public:
  Loops(boost::asio::io_context& context, Report report, Options options)
      : context_(context), report_(std::move(report)), options_(options), random_(options.seed) {}

  void watch(const upstream::ClusterView& view);
  void suspect(EndpointId id);
  void hurry(EndpointId id);
  void set_waiting(std::string_view cluster, bool waiting);
  void set_tls(TlsClients clients) { tls_ = std::move(clients); }

 private:
  void adopt(const upstream::EndpointPtr& endpoint, const std::shared_ptr<const conf::Upstream>& settings);
  void forget(EndpointId id);
  void arm(Loop& loop);
  void begin(Loop& loop);
  void begin_queued();
  void finish(EndpointId id, const ProbeResult& result);
  [[nodiscard]] Loop* find(EndpointId id);
  [[nodiscard]] bool is_waiting(const Loop& loop) const { return waiting_.contains(loop.settings->name); }

  [[nodiscard]] std::shared_ptr<const net::TlsClient> tls_of(const Loop& loop) const {
    const auto found = tls_.find(loop.settings->name);
    return found == tls_.end() ? nullptr : found->second;
  }

  boost::asio::io_context& context_;
  TlsClients tls_;
  Report report_;
  Options options_;
  std::mt19937_64 random_;
  std::unordered_map<EndpointId, std::unique_ptr<Loop>> loops_;
  std::map<std::string, std::vector<EndpointId>, std::less<>> clusters_;
  std::set<std::string, std::less<>> waiting_;
  std::deque<EndpointId> queue_;  // due, but too many probes are in flight
  std::size_t in_flight_ = 0;
  std::uint64_t arms_ = 0;
  std::uint64_t watches_ = 0;
};

Loop* Checker::Loops::find(EndpointId id) {
  const auto found = loops_.find(id);
  return found == loops_.end() ? nullptr : found->second.get();
}

// === membership ===

void Checker::Loops::watch(const upstream::ClusterView& view) {
  ++watches_;
  std::vector<EndpointId> watched;
  for (const auto& member : view.members) {
    const auto state = member.endpoint->state();
    if (state == EndpointState::draining || state == EndpointState::removed) continue;
    adopt(member.endpoint, view.settings);
    watched.push_back(member.endpoint->id());
  }
  auto& known = clusters_[view.settings->name];
  std::swap(known, watched);
  for (const auto id : watched) {
    if (const auto* loop = find(id); loop != nullptr && loop->watched != watches_) forget(id);
  }
  if (view.members.empty()) clusters_.erase(view.settings->name);
  begin_queued();
}

void Checker::Loops::adopt(const upstream::EndpointPtr& endpoint,
                           const std::shared_ptr<const conf::Upstream>& settings) {
  const auto now = Clock::now();
  auto& place = loops_[endpoint->id()];
  const bool added = place == nullptr;
  if (added) place = std::make_unique<Loop>(context_, endpoint);
  auto& loop = *place;
  const auto before = std::exchange(loop.settings, settings);
  loop.watched = watches_;

  const auto verdict = loop.counter.verdict();
  const auto shown = verdict_shown_by(endpoint->state());
  if (added || !same_probe(before->probe, settings->probe)) {
    loop.restart(verdict, now);
  } else if (shown == Verdict::unknown && verdict != Verdict::unknown) {
    loop.restart(Verdict::unknown, now);  // it has left draining
  } else if (shown == Verdict::fail && verdict != Verdict::fail) {
    loop.fail(now);
  } else {
    return;
  }
  arm(loop);
}

void Checker::Loops::forget(EndpointId id) {
  const auto found = loops_.find(id);
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
    auto* const loop = find(id);
    if (loop != nullptr && loop->counter.verdict() != Verdict::pass) arm(*loop);
  }
}

// === the loop of one endpoint ===

void Checker::Loops::arm(Loop& loop) {
  if (loop.flight || loop.queued) return;  // armed when the probe has ended
  const auto now = Clock::now();
  if (loop.due <= now) return;  // about to begin; set anew again and again it never would
  ScheduleFacts facts;
  if (loop.probed()) facts.period = std::max<std::chrono::milliseconds>(loop.settings->probe->period, 1s);
  facts.verdict = loop.counter.verdict();
  facts.failing = loop.counter.failing();
  facts.suspected = loop.suspected;
  facts.waiting = is_waiting(loop);
  facts.failed_checks = loop.failed_checks;
  facts.last = loop.last;

  loop.armed = ++arms_;
  const auto at = next_probe(facts, std::uniform_real_distribution(-1.0, 1.0)(random_));
  loop.due = at ? std::max(*at, now) : TimePoint::max();
  if (!at) {
    loop.timer.cancel();
    return;
  }
  loop.timer.expires_at(loop.due);
  const auto wake = [weak = weak_from_this(), id = loop.endpoint->id(),
                     armed = loop.armed](const auto& cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self) return;
    // A handler that was already queued when its timer was set anew, or its loop forgotten, comes too late.
    if (auto* const due = self->find(id); due != nullptr && due->armed == armed) self->begin(*due);
  };
  loop.timer.async_wait(wake);
}

void Checker::Loops::begin(Loop& loop) {
  const auto id = loop.endpoint->id();
  loop.due = TimePoint::max();
  if (in_flight_ >= options_.most_probes) {
    loop.queued = true;
    queue_.push_back(id);
    return;
  }
  ++in_flight_;
  loop.suspected = false;
  loop.last = Clock::now();
  loop.flight.emplace(context_, request_for(loop, tls_of(loop)),
                      [this, id](const ProbeResult& result) { finish(id, result); });
}

void Checker::Loops::begin_queued() {
  while (in_flight_ < options_.most_probes && !queue_.empty()) {
    auto* const loop = find(queue_.front());
    queue_.pop_front();
    if (loop != nullptr && std::exchange(loop->queued, false)) begin(*loop);
  }
}

// `this` and the loop live: a forgotten loop takes its probe with it, and a destroyed probe does not report.
void Checker::Loops::finish(EndpointId id, const ProbeResult& result) {
  auto& loop = *find(id);
  loop.flight.reset();
  --in_flight_;

  std::optional<Verdict> changed;
  const bool passes = result.outcome == ProbeOutcome::pass;
  // A pass that began before a refusal says nothing of what came after it.
  if (!(passes && loop.suspected)) {
    const auto rules = rules_for(loop);
    changed = loop.counter.count(result.outcome, rules, Clock::now() - loop.since);
    if (result.outcome != ProbeOutcome::internal) loop.failed_checks = passes ? 0 : loop.failed_checks + 1;
  }
  // As where a request finds it: nobody is made to wait for what waiting does not mend.
  if (changed == Verdict::fail && result.untrusted) loop.endpoint->distrust();
  auto cause = "probe: " + result.evidence;
  if (loop.counter.run() > 1) cause += " (" + std::to_string(loop.counter.run()) + " in a row)";
  arm(loop);
  begin_queued();
  if (changed)
    report_(id, *changed, std::move(cause));  // last, since it may call back and end this very loop
}

// === checker ===

Checker::Checker(boost::asio::io_context& context, Report report)
    : Checker(context, std::move(report), Options{}) {}

Checker::Checker(boost::asio::io_context& context, Report report, Options options)
    : loops_(std::make_shared<Loops>(context, std::move(report), options)) {}

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
