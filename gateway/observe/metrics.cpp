#include "gateway/observe/metrics.hpp"

#include <algorithm>

namespace tidegate::gateway {

namespace {

using std::chrono::microseconds;

constexpr std::array<microseconds, 15> latencies{
    microseconds(1'000),      microseconds(2'500),      microseconds(5'000),      microseconds(10'000),
    microseconds(25'000),     microseconds(50'000),     microseconds(100'000),    microseconds(250'000),
    microseconds(500'000),    microseconds(1'000'000),  microseconds(2'500'000),  microseconds(5'000'000),
    microseconds(10'000'000), microseconds(30'000'000), microseconds(60'000'000),
};

constexpr std::array<microseconds, 10> lives{
    std::chrono::seconds(1), std::chrono::seconds(5),  std::chrono::seconds(15), std::chrono::minutes(1),
    std::chrono::minutes(5), std::chrono::minutes(15), std::chrono::hours(1),    std::chrono::hours(4),
    std::chrono::hours(12),  std::chrono::hours(24),
};
static_assert(latencies.size() <= Histogram::most_bounds && lives.size() <= Histogram::most_bounds);

template <class Enum>
constexpr std::size_t index(Enum value) {
  return static_cast<std::size_t>(value);
}

// The code that tells why the tunnel ended: that of the side that began to close it.
std::uint16_t telling_code(const TunnelRecord& tunnel) {
  switch (tunnel.closed_first) {
    case TunnelSide::client: return tunnel.from_client.close_code;
    case TunnelSide::pod: return tunnel.from_pod.close_code;
    case TunnelSide::gateway: return tunnel.gateway_close_code;
    case TunnelSide::none: break;
  }
  return 0;
}

}  // namespace

Histogram::Bounds latency_bounds() {
  return latencies;
}
Histogram::Bounds life_bounds() {
  return lives;
}

void Histogram::observe(microseconds value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  buckets_[static_cast<std::size_t>(bound - bounds_.begin())].add();
  sum_.add(static_cast<std::uint64_t>(std::max<microseconds::rep>(value.count(), 0)));
}

// === labels ===

StatusClass status_class(int status) {
  if (status == 499) return StatusClass::client_gone;
  if (status < 200) return StatusClass::informational;
  if (status < 300) return StatusClass::success;
  if (status < 400) return StatusClass::redirection;
  return status < 500 ? StatusClass::client_error : StatusClass::server_error;
}

HandshakeResult handshake_result(const AccessRecord& record) {
  if (record.status == 101 && record.failure == FailureReason::none) return HandshakeResult::accepted;
  if (record.failure == FailureReason::client_gone) return HandshakeResult::client_gone;
  if (record.failure == FailureReason::none) return HandshakeResult::answered;
  // 101 and a failure: told by a Close that there is no room.
  const bool failed = record.status >= 500 || record.status == 101;
  return failed ? HandshakeResult::failed : HandshakeResult::rejected;
}

CloseClass close_class(std::uint16_t code) {
  if (code == 0) return CloseClass::none;
  if (code == 1000) return CloseClass::normal;
  if (code == 1001) return CloseClass::going_away;
  if (code == 1005) return CloseClass::no_code;
  if (code == 1012 || code == 1013) return CloseClass::restart;
  if (code < 3000) return CloseClass::other;
  if (code < 4000) return CloseClass::library;
  return code >= 4200 && code < 4300 ? CloseClass::reconnect : CloseClass::application;
}

std::string_view name_of(StatusClass status) {
  constexpr std::array<std::string_view, status_classes> names{"1xx", "2xx", "3xx", "4xx", "5xx", "499"};
  return names[index(status)];
}

std::string_view name_of(HandshakeResult result) {
  constexpr std::array<std::string_view, handshake_results> names{"accepted", "answered", "rejected",
                                                                  "failed", "client_gone"};
  return names[index(result)];
}

std::string_view name_of(HoldResult result) {
  constexpr std::array<std::string_view, hold_results> names{"granted", "expired", "abandoned", "refused"};
  return names[index(result)];
}

std::string_view name_of(ConnectFailure failure) {
  constexpr std::array<std::string_view, connect_failures> names{
      "refused", "timeout", "unreachable", "reset", "tls", "no_local_port", "no_local_resources", "other"};
  return names[index(failure)];
}

std::string_view name_of(HandshakeFailure failure) {
  constexpr std::array<std::string_view, handshake_failures> names{
      "timeout",           "connection_lost", "clear_text", "client_certificate",
      "nothing_in_common", "unknown_name",    "other"};
  return names[index(failure)];
}

std::string_view name_of(AcceptError error) {
  constexpr std::array<std::string_view, accept_errors> names{"out_of_descriptors", "out_of_memory",
                                                              "over_limit", "other"};
  return names[index(error)];
}

std::string_view name_of(ConnectionRefusal refusal) {
  constexpr std::array<std::string_view, connection_refusals> names{
      "access_denied", "unexpected_peer", "header_timeout", "header_lost", "header_malformed"};
  return names[index(refusal)];
}

std::string_view name_of(CloseClass close) {
  constexpr std::array<std::string_view, close_classes> names{
      "none", "1000", "1001", "1005", "1012-1013", "other", "3000-3999", "4200-4299", "4000-4999"};
  return names[index(close)];
}

// === the counters ===

void Metrics::add_worker() {
  rows_.add();
  for (const auto& series : upstreams_) series->add_worker();
}

UpstreamSeries& Metrics::upstream(std::string_view name) {
  const auto found = std::find_if(upstreams_.begin(), upstreams_.end(),
                                  [&](const auto& series) { return series->name() == name; });
  if (found != upstreams_.end()) return **found;
  return *upstreams_.emplace_back(std::make_unique<UpstreamSeries>(std::string(name), workers()));
}

// === counting what a record says ===

void count_request(WorkerCounters& worker, UpstreamCounters* upstream, const AccessRecord& record) {
  worker.bytes_from_clients.add(record.request_bytes);
  worker.bytes_to_clients.add(record.body_bytes);
  if (record.failure != FailureReason::none) {
    worker.failures[index(record.failure)].add();
    const bool own = record.status != 499 && record.status == describe(record.failure).status;
    if (own) worker.local_replies[index(record.failure)].add();
  }

  const auto status = index(status_class(record.status));
  if (upstream == nullptr) {
    worker.requests_without_upstream[status].add();
    return;
  }
  upstream->requests[status].add();
  if (!record.upgrade) {
    upstream->request_latency.observe(record.request_time);
    return;
  }
  const auto result = handshake_result(record);
  upstream->handshakes[index(result)].add();
  if (result == HandshakeResult::accepted) upstream->handshake_latency.observe(record.handshake_time);
}

void count_tunnel_end(UpstreamCounters& upstream, const TunnelRecord& tunnel) {
  upstream.tunnels_closed[index(tunnel.closed_first)][index(close_class(telling_code(tunnel)))].add();
  upstream.tunnel_ends_by_reason[index(tunnel.end)].add();
  if (tunnel.truncated) upstream.tunnels_truncated.add();
  upstream.tunnel_life.observe(tunnel.life);
}

}  // namespace tidegate::gateway
