#include "health/probe_loop.hpp"

#include <algorithm>

namespace tidegate::health {
namespace {

using upstream::EndpointState;
using namespace std::chrono_literals;

constexpr auto connect_check_timeout = 1s;

// Whether a probe is made over TLS: as it says, else as requests are, unless it goes to another port. A pod
// that accepts connections and fails every handshake is not ready, so that a TCP probe has one as well.
bool is_secure(const ProbeLoop& loop) {
  const auto& address = loop.endpoint->address();
  const auto& action = loop.probe()->action;
  const auto port = conf::port_of(action);
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

VerdictRules rules_for(const ProbeLoop& loop) {
  if (!loop.probed()) return {1, 1, {}};
  const auto& probe = *loop.probe();
  return {probe.success_threshold, probe.failure_threshold, probe.initial_delay};
}

}  // namespace

Verdict verdict_shown_by(EndpointState state) {
  if (state == EndpointState::ready) return Verdict::pass;
  return state == EndpointState::unready ? Verdict::fail : Verdict::unknown;
}

ProbeLoop::ProbeLoop(boost::asio::io_context& context, upstream::EndpointPtr target, ProbeKind which)
    : kind(which),
      endpoint(std::move(target)),
      counter(which == ProbeKind::readiness ? verdict_shown_by(endpoint->state()) : Verdict::unknown),
      timer(context) {}

void ProbeLoop::fail(TimePoint now) {
  if (!probed() && counter.verdict() != Verdict::fail) {
    last = now;
    failed_checks = 0;
  }
  counter.fail();
  suspected = true;
}

void ProbeLoop::restart(Verdict verdict, TimePoint now) {
  counter = VerdictCounter(verdict);
  failed_checks = 0;
  last.reset();
  if (!probed()) last = now;
}

std::optional<Verdict> ProbeLoop::count(const ProbeResult& result, TimePoint now) {
  const bool passes = result.outcome == ProbeOutcome::pass;
  // A pass that began before a refusal says nothing of what came after it.
  if (passes && suspected) return std::nullopt;
  const auto changed = counter.count(result.outcome, rules_for(*this), now - since);
  if (result.outcome != ProbeOutcome::internal) failed_checks = passes ? 0 : failed_checks + 1;
  return changed;
}

ScheduleFacts ProbeLoop::schedule_facts(bool waiting) const {
  ScheduleFacts facts;
  if (probed()) facts.period = std::max<std::chrono::milliseconds>(probe()->period, 1s);
  facts.verdict = counter.verdict();
  facts.failing = counter.failing();
  facts.suspected = suspected;
  facts.waiting = waiting;
  facts.failed_checks = failed_checks;
  facts.last = last;
  return facts;
}

ProbeRequest ProbeLoop::request(const std::shared_ptr<const net::TlsClient>& tls) const {
  // An endpoint that is found down for its certificate is not well again because it accepts connections.
  if (!probed()) {
    return {endpoint->address(),      conf::TcpSocketAction{}, connect_check_timeout, tls,
            settings->proxy_protocol, endpoint->host()};
  }
  const auto client = is_secure(*this) ? (tls ? tls : unverified()) : nullptr;
  return {endpoint->address(),      probe()->action, probe()->timeout, client,
          settings->proxy_protocol, endpoint->host()};
}

}  // namespace tidegate::health
