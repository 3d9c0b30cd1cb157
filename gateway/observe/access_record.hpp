// One finished request or tunnel as plain values, filled by the exchange and the tunnel, read by the access
// log, the failure log and the metrics.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/observe/proxy_status.hpp"

namespace tidegate::gateway {

// How one try ended.
enum class AttemptOutcome : std::uint8_t {
  answered,            // a head came; `status` says which. A status that was retried is an answer too
  refused,             // ECONNREFUSED
  connect_timeout,     // no connection in time
  unreachable,         // no route to host or network
  connect_failed,      // another failure to connect
  no_local_port,       // no port was left here to connect from
  no_local_resources,  // no descriptor or memory was left here for it
  tls_failed,          // no TLS with it: the handshake broke off, or its certificate is not to be trusted
  stale,               // a pooled connection was dead; nothing was lost, tried anew
  reset,               // reset before the head was complete
  closed,              // end of stream before the head was complete
  write_timeout,       // the endpoint stopped reading
  response_timeout,    // no complete head in time
  bad_answer,          // not HTTP, or more than fits
  upgrade_failed,      // a 101 that does not match the handshake
  repicked,            // no longer eligible when the first byte was to be sent: given back untouched
  full,                // its connection limit was reached in the last moment
  abandoned,           // the client left meanwhile
  redriven,            // a 101 behind which the pod sent the client away: withheld, tried anew
};
[[nodiscard]] std::string_view name_of(AttemptOutcome outcome);

struct Attempt {
  std::string_view endpoint;  // address text
  AttemptOutcome outcome = AttemptOutcome::answered;
  bool reused = false;       // on a pooled connection
  std::uint16_t status = 0;  // of the answer; 0: none
  // Since the begin of this attempt; 0: not reached. A failed attempt's whole time is `total`.
  std::chrono::microseconds connect{0};
  std::chrono::microseconds header{0};
  std::chrono::microseconds total{0};

  template <class Archive>
  void carry(Archive& archive) {
    archive(endpoint, outcome, reused, status, connect, header, total);
  }
};

// The attempts of one request in order. Bounded: of more than `capacity` the first half and the latest stay,
// because these tell how it began and how it ended; `total()` counts all.
class AttemptList {
 public:
  static constexpr std::size_t capacity = 8;

  void push_back(const Attempt& attempt);
  // The latest, to be completed in place. Not for an empty list.
  [[nodiscard]] Attempt& back() { return kept_[size_ - 1]; }
  [[nodiscard]] std::span<const Attempt> kept() const { return {kept_.data(), size_}; }
  [[nodiscard]] std::span<Attempt> kept() { return {kept_.data(), size_}; }
  [[nodiscard]] std::uint32_t total() const { return total_; }
  // Attempts that are missing after `kept()[capacity / 2 - 1]`.
  [[nodiscard]] std::uint32_t omitted() const { return total_ - static_cast<std::uint32_t>(size_); }
  void set_total(std::uint32_t total) { total_ = total; }
  void clear() { size_ = 0, total_ = 0; }
  template <class Archive>
  void carry(Archive& archive) {
    archive(size_, total_);
    size_ = std::min(size_, capacity);
    for (auto& attempt : kept()) archive(attempt);
  }

 private:
  std::array<Attempt, capacity> kept_{};
  std::size_t size_ = 0;
  std::uint32_t total_ = 0;
};

enum class TunnelSide : std::uint8_t { none, client, pod, gateway };
inline constexpr std::size_t tunnel_sides = static_cast<std::size_t>(TunnelSide::gateway) + 1;
[[nodiscard]] std::string_view name_of(TunnelSide side);

// What ended a tunnel.
enum class TunnelEnd : std::uint8_t {
  closed,          // Close frames, or an orderly end of stream, both ways
  client_lost,     // the client reset, or vanished without Close
  pod_lost,        // the pod reset, or vanished without Close
  idle_timeout,    // both directions silent for too long
  lifetime,        // the configured total life is over
  write_stall,     // a side stopped reading
  protocol_error,  // a side broke RFC 6455
  too_big,         // a frame or message over the limit
  too_fast,        // over the client's rate
  client_silent,   // not a byte, pings included
  pod_silent,      // likewise
  drained,         // its endpoint is leaving
  removed,         // its route is configured no longer
  rebalanced,      // other endpoints had less to do
  shutdown,        // the gateway is leaving
};
inline constexpr std::size_t tunnel_ends = static_cast<std::size_t>(TunnelEnd::shutdown) + 1;
[[nodiscard]] std::string_view name_of(TunnelEnd end);

// One direction of a tunnel. Bytes are those on the wire after the heads.
struct TunnelDirection {
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;    // data messages completed; 0 for protocols other than WebSocket
  std::uint16_t close_code = 0;  // of the Close frame seen; 1005: without code; 0: none seen
  bool cut =
      false;  // FIN without a Close or TLS's close_notify before it: perhaps not the sender's (RFC 8446 6.1)
};

struct TunnelRecord {
  std::chrono::microseconds life{0};  // from the 101 relayed to the end
  TunnelDirection from_client;
  TunnelDirection from_pod;
  std::uint16_t gateway_close_code = 0;        // of the Close frame the gateway put in; 0: none
  TunnelSide closed_first = TunnelSide::none;  // who sent the first Close, FIN or reset
  TunnelEnd end = TunnelEnd::closed;
  bool truncated = false;  // ended within a frame or message, or without Close
};

// The part of a record that is copied as it is.
struct AccessNumbers {
  std::chrono::system_clock::time_point finished_at{};  // wall clock when it is logged ($time_local)
  std::chrono::microseconds request_time{0};            // first byte of the request to the last of the answer
  std::chrono::microseconds handshake_time{0};  // upgrades: first byte of the request to the final head
  std::chrono::microseconds hold_time{0};       // spent waiting for a ready endpoint
  std::uint64_t request_bytes = 0;              // head and body as received
  std::uint64_t body_bytes = 0;                 // body bytes sent to the client, without tunnel bytes
  std::uint32_t retries = 0;                    // tries beyond the first
  std::uint16_t client_port = 0;
  std::uint16_t status = 0;  // 499 if the client left before it was answered
  FailureReason failure = FailureReason::none;
  bool upgrade = false;  // the client asked for a WebSocket

  template <class Archive>
  void carry(Archive& archive) {
    archive(finished_at, request_time, handshake_time, hold_time, request_bytes, body_bytes, retries,
            client_port, status, failure, upgrade);
  }
};

// Views must live until the call they are passed to returns.
struct AccessRecord : AccessNumbers {
  std::string_view client_address;  // without port; "unix:" for a Unix listener
  std::string_view server_address;  // the listener's
  std::string_view remote_user;
  std::string_view method;   // empty if the request line could not be read
  std::string_view target;   // as received
  std::string_view version;  // "HTTP/1.1"
  std::string_view host;
  std::string_view referer;
  std::string_view user_agent;
  std::string_view x_forwarded_for;  // as received
  std::string_view request_id;
  std::string_view route;
  std::string_view upstream;         // empty if none was chosen
  std::string_view limit;            // the one that refused it; a tunnel has none
  std::string_view failure_details;  // what the reason alone does not say, e.g. "status line: bad version"

  AttemptList attempts;
  std::optional<TunnelRecord> tunnel;

  // All but `tunnel`. Read from an archive, it has views into the archive's bytes.
  template <class Archive>
  void carry(Archive& archive) {
    AccessNumbers::carry(archive);
    archive(client_address, server_address, remote_user, method, target, version, host, referer, user_agent,
            x_forwarded_for, request_id, route, upstream, limit, failure_details, attempts);
  }
};

// A record that outlives its request: what a tunnel keeps until it ends. All texts lie in one allocation as
// large as they are (each cut to `longest_text`), since a gateway keeps one per idle tunnel. Movable.
class KeptRecord {
 public:
  static constexpr std::size_t longest_text = 2048;

  KeptRecord() = default;
  explicit KeptRecord(const AccessRecord& record);

  // Views into this object; `tunnel` is for the caller to fill. An empty record if nothing is kept.
  [[nodiscard]] AccessRecord record() const;
  [[nodiscard]] std::size_t heap_bytes() const { return size_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  std::unique_ptr<char[]> block_;
  std::uint32_t size_ = 0;
};

}  // namespace tidegate::gateway
