// One probe of one endpoint, again and again: what is known of it between two probes. The checker runs it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/asio/steady_timer.hpp>

#include "health/answerers.hpp"
#include "health/probe.hpp"
#include "health/schedule.hpp"
#include "health/verdict.hpp"
#include "upstream/endpoint.hpp"
#include "upstream/socket_intake.hpp"

namespace tidegate::health {

using upstream::ProbeKind;

// Every endpoint has the first of these loops, without a configured probe too; the others if they are
// configured.
inline constexpr std::array<ProbeKind, 3> probe_kinds{ProbeKind::readiness, ProbeKind::new_socket,
                                                      ProbeKind::websocket};

struct LoopKey {
  upstream::EndpointId endpoint = 0;
  ProbeKind probe = ProbeKind::readiness;
  friend bool operator<(const LoopKey& a, const LoopKey& b) {
    return a.endpoint != b.endpoint ? a.endpoint < b.endpoint : a.probe < b.probe;
  }
};

// A timer or a probe in flight or a place in the queue, or nothing to do.
struct ProbeLoop {
  // Begins with the verdict that the endpoint's state shows; a probe of new sockets with none.
  ProbeLoop(boost::asio::io_context& context, upstream::EndpointPtr target, ProbeKind kind);

  const ProbeKind kind;
  upstream::EndpointPtr endpoint;
  std::shared_ptr<const conf::Upstream> settings;
  VerdictCounter counter;
  Answerers answerers;
  TimePoint since = upstream::Clock::now();
  std::optional<TimePoint> last;  // see ScheduleFacts
  int failed_checks = 0;
  bool suspected = false;
  bool queued = false;
  std::optional<Probe> flight;
  boost::asio::steady_timer timer;
  std::uint64_t armed = 0;  // number of the wait that counts
  TimePoint due = TimePoint::max();
  std::uint64_t watched = 0;  // number of the last `watch` that named it

  [[nodiscard]] LoopKey key() const { return {endpoint->id(), kind}; }
  [[nodiscard]] const std::optional<conf::Probe>& probe() const { return probe_of(*settings, kind); }
  [[nodiscard]] bool probed() const { return probe().has_value(); }

  // Something other than its probe has shown that the endpoint is down.
  void fail(TimePoint now);
  // Begins the count anew with this verdict; a configured probe is sent at once.
  void restart(Verdict verdict, TimePoint now);
  // What the probe in flight has found, of which the verdict is told if it changed.
  [[nodiscard]] std::optional<Verdict> count(const ProbeResult& result, TimePoint now);

  [[nodiscard]] ScheduleFacts schedule_facts(bool waiting) const;
  // `tls`: as requests of the upstream speak it; null: in clear text.
  [[nodiscard]] ProbeRequest request(const std::shared_ptr<const net::TlsClient>& tls) const;
};

// The verdict that an endpoint's state comes from; unknown where it says nothing of one.
[[nodiscard]] Verdict verdict_shown_by(upstream::EndpointState state);

}  // namespace tidegate::health
