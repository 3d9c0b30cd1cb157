#include "gateway/observe/metrics_text.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <map>
#include <tuple>

#include "gateway/observe/exposition.hpp"
#include "upstream/registry.hpp"

namespace tidegate::gateway {

namespace {

// === workers ===

void write_connections(Exposition& out, const Metrics& metrics) {
  out.single("tidegate_connections_accepted_total", "counter", "Client connections accepted.",
             sum(
                 metrics, [](const auto& w) -> auto& { return w.connections_accepted; }));
  out.family("tidegate_connections", "gauge", "Open client connections that are not tunnels.");
  out.sample({{"state", "idle"}}, sum(
                                      metrics, [](const auto& w) -> auto& { return w.connections_idle; }));
  out.sample({{"state", "active"}},
             sum(
                 metrics, [](const auto& w) -> auto& { return w.connections_active; }));
  out.family("tidegate_accept_errors_total", "counter", "Failures to accept a connection.");
  for (std::size_t i = 0; i < accept_errors; ++i) {
    out.sample({{"kind", name_of(static_cast<AcceptError>(i))}},
               sum(
                   metrics, [i](const auto& w) -> auto& { return w.accept_errors_by_kind[i]; }));
  }
  out.family("tidegate_connections_refused_total", "counter",
             "Client connections closed before their first request, TLS apart.");
  for (std::size_t i = 0; i < connection_refusals; ++i) {
    out.sample({{"reason", name_of(static_cast<ConnectionRefusal>(i))}},
               sum(
                   metrics, [i](const auto& w) -> auto& { return w.connections_refused_by_kind[i]; }));
  }
  out.single("tidegate_client_received_bytes_total", "counter",
             "Bytes of request heads and bodies received, without tunnels.",
             sum(
                 metrics, [](const auto& w) -> auto& { return w.bytes_from_clients; }));
  out.single("tidegate_client_sent_bytes_total", "counter",
             "Bytes of bodies sent to clients, without tunnels.",
             sum(
                 metrics, [](const auto& w) -> auto& { return w.bytes_to_clients; }));
  out.single("tidegate_tunnel_bytes", "gauge", "Bytes buffered in tunnels because a side reads slowly.",
             sum(
                 metrics, [](const auto& w) -> auto& { return w.tunnel_buffer_bytes; }));
}

std::int64_t days_left(const CertificateExpiry& certificate) {
  using std::chrono::system_clock;
  const auto left = system_clock::from_time_t(certificate.unix_seconds) - system_clock::now();
  return std::chrono::floor<std::chrono::days>(left).count();
}

void write_tls(Exposition& out, const MetricsInput& input) {
  const auto& metrics = input.metrics;
  out.family("tidegate_tls_handshakes_total", "counter", "TLS handshakes with clients that were completed.");
  out.sample({{"kind", "full"}}, sum(
                                     metrics, [](const auto& w) -> auto& { return w.handshakes_full; }));
  out.sample({{"kind", "resumed"}},
             sum(
                 metrics, [](const auto& w) -> auto& { return w.handshakes_resumed; }));
  out.family("tidegate_tls_handshake_failures_total", "counter", "TLS handshakes with clients that failed.");
  for (std::size_t i = 0; i < handshake_failures; ++i) {
    out.sample({{"reason", name_of(static_cast<HandshakeFailure>(i))}},
               sum(
                   metrics, [i](const auto& w) -> auto& { return w.handshake_failures_by_kind[i]; }));
  }
  out.family("tidegate_certificate_expiry_timestamp_seconds", "gauge",
             "When a certificate ends, as Unix time.");
  for (const auto& certificate : input.certificates)
    out.sample({{"file", certificate.file}}, certificate.unix_seconds);
  out.family("tidegate_certificate_days_left", "gauge",
             "Whole days until a certificate ends; negative after.");
  for (const auto& certificate : input.certificates)
    out.sample({{"file", certificate.file}}, days_left(certificate));
  write_staples(out, input.staples, std::chrono::system_clock::now());
  write_sources(out, input.sources);
}

void write_failures(Exposition& out, const Metrics& metrics) {
  out.family("tidegate_failures_total", "counter",
             "Requests that failed, by reason; a cut answer and a client that left too.");
  for (std::size_t i = 1; i < failure_reasons; ++i) {
    out.sample({{"reason", describe(static_cast<FailureReason>(i)).name}},
               sum(
                   metrics, [i](const auto& w) -> auto& { return w.failures[i]; }));
  }
  out.family("tidegate_local_replies_total", "counter",
             "Failures that the gateway answered itself, by status and reason.");
  for (std::size_t i = 1; i < failure_reasons; ++i) {
    const auto& reason = describe(static_cast<FailureReason>(i));
    if (reason.status == 499) continue;
    out.sample({{"status", std::to_string(reason.status)}, {"reason", reason.name}},
               sum(
                   metrics, [i](const auto& w) -> auto& { return w.local_replies[i]; }));
  }
}

void write_requests(Exposition& out, const Metrics& metrics) {
  out.family("tidegate_requests_total", "counter",
             "Finished requests by status class; 499: the client left; upstream empty: none was chosen.");
  for (std::size_t i = 0; i < status_classes; ++i) {
    out.sample({{"upstream", ""}, {"code", name_of(static_cast<StatusClass>(i))}},
               sum(
                   metrics, [i](const auto& w) -> auto& { return w.requests_without_upstream[i]; }));
  }
  for (const auto& series : metrics.upstreams()) {
    for (std::size_t i = 0; i < status_classes; ++i) {
      out.sample({{"upstream", series->name()}, {"code", name_of(static_cast<StatusClass>(i))}},
                 sum(
                     *series, [i](const auto& u) -> auto& { return u.requests[i]; }));
    }
  }
}

// === upstreams ===

// One family with one sample per upstream.
template <class Get>
void write_per_upstream(Exposition& out, const Metrics& metrics, std::string_view name, std::string_view help,
                        Get get) {
  out.family(name, name.ends_with("_total") ? "counter" : "gauge", help);
  for (const auto& series : metrics.upstreams())
    out.sample({{"upstream", series->name()}}, sum(*series, get));
}

// One family with a sample per upstream and value of `Enum`.
template <class Enum, std::size_t Size>
void write_by_enum(Exposition& out, const Metrics& metrics, std::array<std::string_view, 3> name_label_help,
                   std::array<Counter, Size> UpstreamCounters::*counters) {
  const auto& [name, label, help] = name_label_help;
  out.family(name, "counter", help);
  for (const auto& series : metrics.upstreams()) {
    for (std::size_t i = 0; i < Size; ++i) {
      out.sample({{"upstream", series->name()}, {label, name_of(static_cast<Enum>(i))}},
                 sum(
                     *series, [&](const auto& u) -> auto& { return (u.*counters)[i]; }));
    }
  }
}

void write_forwarding(Exposition& out, const Metrics& metrics) {
  write_by_enum<HandshakeResult>(out, metrics,
                                 {"tidegate_handshakes_total", "result", "WebSocket handshakes by result."},
                                 &UpstreamCounters::handshakes);
  write_per_upstream(
      out, metrics, "tidegate_retries_total", "Tries beyond the first.",
      [](const auto& u) -> auto& { return u.retries; });
  write_per_upstream(
      out, metrics, "tidegate_retries_denied_total",
      "Tries that were wanted while the retry budget was used up.",
      [](const auto& u) -> auto& { return u.retries_denied; });
  write_per_upstream(
      out, metrics, "tidegate_repicks_total",
      "Endpoints given back untouched because they were no longer ready.",
      [](const auto& u) -> auto& { return u.repicks; });
  write_per_upstream(
      out, metrics, "tidegate_redrives_total",
      "Handshakes made anew elsewhere, because a pod sent the client away right behind its 101.",
      [](const auto& u) -> auto& { return u.redrives; });
  write_by_enum<HoldResult>(
      out, metrics,
      {"tidegate_holds_total", "result", "Requests that waited for a ready endpoint, by result."},
      &UpstreamCounters::holds);
  write_per_upstream(
      out, metrics, "tidegate_holding", "Requests waiting for a ready endpoint now.",
      [](const auto& u) -> auto& { return u.waiting; });
}

void write_connecting(Exposition& out, const Metrics& metrics) {
  write_per_upstream(
      out, metrics, "tidegate_upstream_connects_total", "Connections opened to endpoints.",
      [](const auto& u) -> auto& { return u.connects; });
  write_by_enum<ConnectFailure>(
      out, metrics,
      {"tidegate_upstream_connect_failures_total", "kind", "Connections to endpoints that failed, by kind."},
      &UpstreamCounters::connect_failures_by_kind);
  write_per_upstream(
      out, metrics, "tidegate_upstream_pool_hits_total", "Requests sent on a pooled connection.",
      [](const auto& u) -> auto& { return u.pool_hits; });
  write_per_upstream(
      out, metrics, "tidegate_upstream_pool_stale_total", "Pooled connections found dead.",
      [](const auto& u) -> auto& { return u.pool_stale; });
  write_per_upstream(
      out, metrics, "tidegate_upstream_pool_idle", "Idle pooled connections.",
      [](const auto& u) -> auto& { return u.pool_idle; });
}

// A family with a sample for each direction of the tunnels.
template <class FromClient, class FromPod>
void write_directions(Exposition& out, const Metrics& metrics,
                      std::pair<std::string_view, std::string_view> name_help, FromClient from_client,
                      FromPod from_pod) {
  out.family(name_help.first, "counter", name_help.second);
  for (const auto& series : metrics.upstreams()) {
    out.sample({{"upstream", series->name()}, {"from", "client"}}, sum(*series, from_client));
    out.sample({{"upstream", series->name()}, {"from", "pod"}}, sum(*series, from_pod));
  }
}

void write_tunnels(Exposition& out, const Metrics& metrics) {
  write_per_upstream(
      out, metrics, "tidegate_tunnels", "Open tunnels.", [](const auto& u) -> auto& { return u.tunnels; });
  write_per_upstream(
      out, metrics, "tidegate_tunnels_opened_total", "Tunnels opened.",
      [](const auto& u) -> auto& { return u.tunnels_opened; });
  out.family("tidegate_tunnels_closed_total", "counter",
             "Tunnels closed, by the side that closed first and its close code.");
  for (const auto& series : metrics.upstreams()) {
    for (std::size_t side = 0; side < tunnel_sides; ++side) {
      for (std::size_t code = 0; code < close_classes; ++code) {
        out.sample({{"upstream", series->name()},
                    {"by", name_of(static_cast<TunnelSide>(side))},
                    {"code", name_of(static_cast<CloseClass>(code))}},
                   sum(
                       *series, [=](const auto& u) -> auto& { return u.tunnels_closed[side][code]; }));
      }
    }
  }
  write_by_enum<TunnelEnd>(out, metrics,
                           {"tidegate_tunnel_ends_total", "reason", "Tunnels closed, by what ended them."},
                           &UpstreamCounters::tunnel_ends_by_reason);
  write_per_upstream(
      out, metrics, "tidegate_tunnels_truncated_total", "Tunnels that ended without a proper close.",
      [](const auto& u) -> auto& { return u.tunnels_truncated; });
  write_by_enum<health::LeaveSign>(out, metrics,
                                   {"tidegate_leave_signals_total", "sign",
                                    "Endpoints taken out by what they did: clients, a Close that speaks of "
                                    "leaving to two clients within 1 s; newcomers, to three new WebSockets; "
                                    "losses, connections of two clients that ended without an answer."},
                                   &UpstreamCounters::leave_signals);
  write_directions(
      out, metrics, {"tidegate_tunnel_messages_total", "WebSocket data messages relayed."},
      [](const auto& u) -> auto& { return u.messages_from_client; },
      [](const auto& u) -> auto& { return u.messages_from_pod; });
  write_directions(
      out, metrics, {"tidegate_tunnel_relayed_bytes_total", "Bytes relayed in tunnels."},
      [](const auto& u) -> auto& { return u.tunnel_bytes_from_client; },
      [](const auto& u) -> auto& { return u.tunnel_bytes_from_pod; });
}

// === histograms ===

std::string seconds_text(double seconds) {
  std::string text;
  Exposition::append_number(text, seconds);
  return text;
}

void write_histogram(Exposition& out, const Metrics& metrics,
                     std::pair<std::string_view, std::string_view> name_help,
                     Histogram UpstreamCounters::*histogram) {
  out.family(name_help.first, "histogram", name_help.second);
  for (const auto& series : metrics.upstreams()) {
    const auto bounds = (series->worker(0).*histogram).bounds();
    std::uint64_t count = 0;
    std::uint64_t total = 0;
    for (std::size_t bucket = 0; bucket <= bounds.size(); ++bucket) {
      for (std::size_t i = 0; i < series->workers(); ++i)
        count += (series->worker(i).*histogram).bucket(bucket);
      const auto bound = bucket < bounds.size()
                             ? seconds_text(std::chrono::duration<double>(bounds[bucket]).count())
                             : std::string("+Inf");
      out.sample({{"upstream", series->name()}, {"le", bound}}, count, "_bucket");
    }
    for (std::size_t i = 0; i < series->workers(); ++i) {
      total += (series->worker(i).*histogram).sum_microseconds();
    }
    out.sample({{"upstream", series->name()}}, static_cast<double>(total) / 1e6, "_sum");
    out.sample({{"upstream", series->name()}}, count, "_count");
  }
}

void write_histograms(Exposition& out, const Metrics& metrics) {
  write_histogram(out, metrics,
                  {"tidegate_request_duration_seconds", "Time of requests other than upgrades."},
                  &UpstreamCounters::request_latency);
  write_histogram(out, metrics,
                  {"tidegate_handshake_duration_seconds", "Time from an upgrade request to its 101."},
                  &UpstreamCounters::handshake_latency);
  write_histogram(out, metrics,
                  {"tidegate_hold_duration_seconds", "Time requests waited for a ready endpoint."},
                  &UpstreamCounters::hold_wait);
  write_histogram(out, metrics,
                  {"tidegate_tunnel_life_seconds", "Time from the 101 to the end of the tunnel."},
                  &UpstreamCounters::tunnel_life);
}

// === endpoints and process ===

// Endpoints of one label set: a leaving one and its successor may share name and address, and a scrape must
// not hold the same series twice.
struct EndpointRow {
  std::array<bool, 5> states{};  // by EndpointState
  bool takes_new_sockets = false;
  int active = 0;
  std::uint64_t transitions = 0;
};
using EndpointKey = std::tuple<std::string_view, std::string_view, std::string_view>;

void write_endpoints(Exposition& out, const std::vector<upstream::EndpointReport>& endpoints) {
  using upstream::EndpointState;
  std::map<EndpointKey, EndpointRow> rows;
  for (const auto& endpoint : endpoints) {
    auto& row = rows[{endpoint.cluster, endpoint.name, endpoint.address}];
    row.states[static_cast<std::size_t>(endpoint.state)] = true;
    row.takes_new_sockets = row.takes_new_sockets || endpoint.sockets.open();
    row.active += endpoint.active;
    row.transitions += endpoint.transitions;
  }
  const auto each = [&](auto&& write) {
    for (const auto& [key, row] : rows) write(std::get<0>(key), std::get<1>(key), std::get<2>(key), row);
  };
  out.family("tidegate_endpoint_state", "gauge", "1 for the state the endpoint is in.");
  each([&](auto cluster, auto name, auto address, const EndpointRow& row) {
    for (const auto state :
         {EndpointState::probing, EndpointState::ready, EndpointState::unready, EndpointState::draining}) {
      const int in_state = row.states[static_cast<std::size_t>(state)] ? 1 : 0;
      out.sample({{"upstream", cluster}, {"endpoint", name}, {"address", address}, {"state", name_of(state)}},
                 in_state);
    }
  });
  out.family("tidegate_endpoint_takes_new_sockets", "gauge",
             "0 while newSocketProbe or webSocketProbe keeps new WebSockets away from the endpoint.");
  each([&](auto cluster, auto name, auto address, const EndpointRow& row) {
    out.sample({{"upstream", cluster}, {"endpoint", name}, {"address", address}},
               row.takes_new_sockets ? 1 : 0);
  });
  out.family("tidegate_endpoint_active", "gauge", "Places in use at the endpoint: requests and tunnels.");
  each([&](auto cluster, auto name, auto address, const EndpointRow& row) {
    out.sample({{"upstream", cluster}, {"endpoint", name}, {"address", address}}, row.active);
  });
  out.family("tidegate_endpoint_transitions_total", "counter", "Changes of the endpoint's state.");
  each([&](auto cluster, auto name, auto address, const EndpointRow& row) {
    out.sample({{"upstream", cluster}, {"endpoint", name}, {"address", address}}, row.transitions);
  });
}

void write_reloads(Exposition& out, const ReloadReport& reloads) {
  out.family("tidegate_config_reloads_total", "counter", "Reloads of the configuration.");
  out.sample({{"result", "success"}}, reloads.succeeded);
  out.sample({{"result", "failure"}}, reloads.failed);
  out.single("tidegate_config_last_reload_successful", "gauge",
             "1 if the last reload succeeded, or there was none.", reloads.last_succeeded ? 1 : 0);
  out.single("tidegate_config_last_reload_success_timestamp_seconds", "gauge",
             "When the configuration in use was read, in Unix time.", reloads.last_success_at);
}

void write_process(Exposition& out, const MetricsInput& input) {
  const auto& process = input.process;
  out.family("tidegate_build_info", "gauge", "1, with the version as a label.");
  out.sample({{"version", input.version}}, 1);
  out.single("tidegate_ready", "gauge", "1 while /ready answers 200.", input.ready ? 1 : 0);
  out.single("tidegate_workers", "gauge", "Worker threads.",
             input.workers_serving != 0 ? input.workers_serving : input.metrics.workers());
  write_reloads(out, input.reloads);
  out.family("tidegate_log_lines_dropped_total", "counter", "Log lines lost: queue full or not writable.");
  out.sample({{"log", "access"}}, input.access_lines_dropped);
  out.sample({{"log", "error"}}, input.error_lines_dropped);
  out.single("process_open_fds", "gauge", "Open file descriptors.", process.open_descriptors);
  out.single("process_max_fds", "gauge", "Limit of open file descriptors.", process.descriptor_limit);
  out.single("process_resident_memory_bytes", "gauge", "Resident memory.", process.resident_bytes);
  out.single("process_virtual_memory_bytes", "gauge", "Virtual memory.", process.virtual_bytes);
  out.single("process_cpu_seconds_total", "counter", "User and system CPU time.", process.cpu_seconds);
  out.single("process_start_time_seconds", "gauge", "Start of the process in Unix time.",
             process.start_time_seconds);
}

}  // namespace

std::string metrics_text(const MetricsInput& input) {
  std::string text;
  Exposition out(text);
  write_process(out, input);
  write_connections(out, input.metrics);
  write_tls(out, input);
  write_requests(out, input.metrics);
  write_failures(out, input.metrics);
  write_forwarding(out, input.metrics);
  write_connecting(out, input.metrics);
  write_tunnels(out, input.metrics);
  write_histograms(out, input.metrics);
  write_endpoints(out, input.endpoints);
  append_limit_metrics(text, input);
  return text;
}

}  // namespace tidegate::gateway
