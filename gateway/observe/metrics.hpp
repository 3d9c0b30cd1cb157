// Counters that cost a plain store: each worker writes its own, on cache lines of its own, and the control
// thread reads them all and adds them up.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/observe/access_record.hpp"
#include "gateway/observe/proxy_status.hpp"
#include "health/leave_signal.hpp"

namespace tidegate::gateway {

// Written by one thread only, hence no locked instruction; read by any.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void add(std::int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::int64_t n = 1) { add(-n); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Durations over fixed bounds. Bucket i counts what is at most bounds[i]; the last counts the rest.
class Histogram {
 public:
  static constexpr std::size_t most_bounds = 16;
  using Bounds =
      std::span<const std::chrono::microseconds>;  // ascending, at most `most_bounds`; static storage

  explicit Histogram(Bounds bounds) : bounds_(bounds) {}
  void observe(std::chrono::microseconds value);

  [[nodiscard]] Bounds bounds() const { return bounds_; }
  [[nodiscard]] std::uint64_t bucket(std::size_t i) const { return buckets_[i].value(); }  // not cumulative
  [[nodiscard]] std::uint64_t sum_microseconds() const { return sum_.value(); }

 private:
  Bounds bounds_;
  std::array<Counter, most_bounds + 1> buckets_;
  Counter sum_;
};

[[nodiscard]] Histogram::Bounds latency_bounds();  // 1 ms .. 60 s: requests, handshakes, holds
[[nodiscard]] Histogram::Bounds life_bounds();     // 1 s .. 24 h: tunnels

// === labels: enums that index arrays of counters ===

enum class StatusClass : std::uint8_t {
  informational,
  success,
  redirection,
  client_error,
  server_error,
  client_gone
};
inline constexpr std::size_t status_classes = 6;
[[nodiscard]] StatusClass status_class(int status);  // 499 is client_gone
[[nodiscard]] std::string_view name_of(StatusClass status);

// How a WebSocket handshake ended for the client.
enum class HandshakeResult : std::uint8_t {
  accepted,  // 101
  answered,  // the pod's own answer other than 101 was relayed
  rejected,  // the gateway refused it with a 4xx
  failed,    // the gateway answered 5xx
  client_gone,
};
inline constexpr std::size_t handshake_results = 5;
[[nodiscard]] HandshakeResult handshake_result(const AccessRecord& record);
[[nodiscard]] std::string_view name_of(HandshakeResult result);

enum class HoldResult : std::uint8_t {
  granted,
  expired,
  abandoned,
  refused
};  // refused: the waiting room was full
inline constexpr std::size_t hold_results = 4;
[[nodiscard]] std::string_view name_of(HoldResult result);

enum class ConnectFailure : std::uint8_t {
  refused,
  timeout,
  unreachable,
  reset,
  tls,
  no_local_port,
  no_local_resources,
  other
};
inline constexpr std::size_t connect_failures = 8;
[[nodiscard]] std::string_view name_of(ConnectFailure failure);

// How a TLS handshake with a client failed.
enum class HandshakeFailure : std::uint8_t {
  timeout,
  connection_lost,
  clear_text,          // HTTP without TLS
  client_certificate,  // none where one is required, or one that is not valid
  nothing_in_common,   // no version, cipher or protocol
  unknown_name,        // a server name nobody answers to, with `unknownName: refuse`
  other,
};
inline constexpr std::size_t handshake_failures = 7;
[[nodiscard]] std::string_view name_of(HandshakeFailure failure);

enum class AcceptError : std::uint8_t { out_of_descriptors, out_of_memory, over_limit, other };
inline constexpr std::size_t accept_errors = 4;
[[nodiscard]] std::string_view name_of(AcceptError error);

// Why a connection was closed before its first request, TLS apart.
enum class ConnectionRefusal : std::uint8_t {
  access_denied,     // the listener's access list
  unexpected_peer,   // not one that sends PROXY protocol headers, where only such are let in
  header_timeout,    // no whole PROXY protocol header in time
  header_lost,       // the connection ended within it
  header_malformed,  // what came is none
};
inline constexpr std::size_t connection_refusals = 5;
[[nodiscard]] std::string_view name_of(ConnectionRefusal refusal);

// Close codes in few classes, since clients choose them.
enum class CloseClass : std::uint8_t {
  none,         // no Close frame
  normal,       // 1000
  going_away,   // 1001
  no_code,      // 1005
  restart,      // 1012, 1013
  other,        // any other below 3000
  library,      // 3000-3999
  reconnect,    // 4200-4299: Pusher's "reconnect at once", which a leaving pod sends
  application,  // any other from 4000 on
};
inline constexpr std::size_t close_classes = 9;
[[nodiscard]] CloseClass close_class(std::uint16_t code);
[[nodiscard]] std::string_view name_of(CloseClass close);

// === the counters ===

// What one worker counts of one upstream.
struct alignas(64) UpstreamCounters {
  std::array<Counter, status_classes> requests;  // finished, upgrades included, by status to the client
  std::array<Counter, handshake_results> handshakes;
  Counter retries;         // tries beyond the first
  Counter retries_denied;  // wanted, but the budget was used up
  Counter repicks;         // endpoint changed after the last suspension
  Counter redrives;        // handshakes whose 101 was withheld, because its pod sent the client away
  std::array<Counter, hold_results> holds;
  Gauge waiting;     // held now
  Counter connects;  // connections opened
  std::array<Counter, connect_failures> connect_failures_by_kind;
  Counter pool_hits;
  Counter pool_stale;  // pooled connections found dead
  Gauge pool_idle;
  Gauge tunnels;
  Counter tunnels_opened;
  std::array<std::array<Counter, close_classes>, tunnel_sides>
      tunnels_closed;  // by TunnelSide that closed first
  std::array<Counter, tunnel_ends> tunnel_ends_by_reason;
  Counter tunnels_truncated;
  std::array<Counter, health::leave_signs> leave_signals;  // that took an endpoint out
  Counter messages_from_client;
  Counter messages_from_pod;
  Counter tunnel_bytes_from_client;
  Counter tunnel_bytes_from_pod;
  Histogram request_latency{latency_bounds()};    // ordinary requests
  Histogram handshake_latency{latency_bounds()};  // accepted upgrades
  Histogram hold_wait{latency_bounds()};
  Histogram tunnel_life{life_bounds()};
};

// What one worker counts of itself.
struct alignas(64) WorkerCounters {
  Counter connections_accepted;
  Gauge connections_idle;    // between two requests
  Gauge connections_active;  // in a request; tunnels are neither
  std::array<Counter, accept_errors> accept_errors_by_kind;
  std::array<Counter, connection_refusals> connections_refused_by_kind;
  Counter connections_shed;  // without a request in progress, that made room for others
  Counter handshakes_full;
  Counter handshakes_resumed;
  std::array<Counter, handshake_failures> handshake_failures_by_kind;
  Counter bytes_from_clients;  // heads and bodies as received, without tunnels
  Counter bytes_to_clients;    // bodies, without heads and tunnels
  Gauge tunnel_buffer_bytes;   // private buffers of tunnels whose peer is slow
  Gauge buffer_bytes;          // all buffers, as counted once a second
  Gauge buffer_limit_bytes;    // what they may have
  std::array<Counter, status_classes> requests_without_upstream;
  std::array<Counter, failure_reasons> failures;  // by reason, clients that left and cut answers included
  std::array<Counter, failure_reasons> local_replies;  // those the gateway answered itself
};

inline constexpr std::size_t most_workers = 1024;

// One row of counters for each worker; those that are there never move, so that a worker may use its own
// while control adds another.
template <class Counters>
class WorkerRows {
 public:
  explicit WorkerRows(std::size_t workers) : rows_(new std::unique_ptr<Counters>[most_workers]) {
    while (size() < workers) add();
  }
  // At most `most_workers`. Control thread only.
  void add() {
    const auto index = size();
    rows_[index] = std::make_unique<Counters>();
    size_.store(index + 1, std::memory_order_release);
  }
  [[nodiscard]] Counters& operator[](std::size_t index) const { return *rows_[index]; }
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  std::unique_ptr<std::unique_ptr<Counters>[]> rows_;
  std::atomic<std::size_t> size_{0};
};

// The counters of all workers. Made by control before workers start and outlives them; `worker` and the rows
// of an `UpstreamSeries` are for that worker's writes and anybody's reads.
class UpstreamSeries {
 public:
  UpstreamSeries(std::string name, std::size_t workers) : name_(std::move(name)), rows_(workers) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] UpstreamCounters& worker(std::size_t index) { return rows_[index]; }
  [[nodiscard]] const UpstreamCounters& worker(std::size_t index) const { return rows_[index]; }
  [[nodiscard]] std::size_t workers() const { return rows_.size(); }
  void add_worker() { rows_.add(); }

 private:
  std::string name_;
  WorkerRows<UpstreamCounters> rows_;
};

class Metrics {
 public:
  explicit Metrics(std::size_t workers) : rows_(workers) {}
  [[nodiscard]] std::size_t workers() const { return rows_.size(); }
  [[nodiscard]] WorkerCounters& worker(std::size_t index) { return rows_[index]; }
  [[nodiscard]] const WorkerCounters& worker(std::size_t index) const { return rows_[index]; }
  // A row more for everything; none is ever taken away, so that counters never go back. Control thread only.
  void add_worker();

  // The series of an upstream, made when its name is first asked for and kept over reloads, so that counters
  // never go back. Control thread only; hand the reference to workers with their view. It lives as long as
  // this object.
  [[nodiscard]] UpstreamSeries& upstream(std::string_view name);
  [[nodiscard]] const std::vector<std::unique_ptr<UpstreamSeries>>& upstreams() const { return upstreams_; }

 private:
  WorkerRows<WorkerCounters> rows_;
  std::vector<std::unique_ptr<UpstreamSeries>> upstreams_;
};

// === counting what a record says ===

// Counts a finished request, or an upgrade when its handshake is over: status, latency, handshake result,
// local reply, request and body bytes. Retries, holds, repicks, connects and the pool are counted where they
// happen. `upstream` is null if none was chosen.
void count_request(WorkerCounters& worker, UpstreamCounters* upstream, const AccessRecord& record);
// Counts a tunnel's end (life, close codes, truncation). Bytes, messages and the gauge are counted where they
// happen.
void count_tunnel_end(UpstreamCounters& upstream, const TunnelRecord& tunnel);

}  // namespace tidegate::gateway
