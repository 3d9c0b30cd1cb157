// What a worker knows of one upstream: an immutable picture made by control at each change and posted to
// workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "upstream/endpoint.hpp"
#include "upstream/handshake_pace.hpp"

namespace tidegate::upstream {

// Whether those who ask for an upgrade are served. Thread-safe.
class HandshakeTrend {
 public:
  void note(bool served, TimePoint now) {
    (served ? served_at_ : failed_at_).store(now.time_since_epoch().count(), std::memory_order_relaxed);
    if (served) served_.fetch_add(1, std::memory_order_relaxed);
  }
  // All that were, ever.
  [[nodiscard]] std::uint64_t served() const { return served_.load(std::memory_order_relaxed); }
  // The last one that ended was not, and that is not long ago.
  [[nodiscard]] bool failing(TimePoint now) const {
    const auto failed = failed_at_.load(std::memory_order_relaxed);
    return failed > served_at_.load(std::memory_order_relaxed) &&
           now - TimePoint(Clock::duration(failed)) < std::chrono::seconds(2);
  }

 private:
  std::atomic<std::uint64_t> served_{0};
  std::atomic<Clock::rep> served_at_{0};
  std::atomic<Clock::rep> failed_at_{0};
};

// Process-wide counts of one upstream; survives views and reloads.
struct ClusterShared {
  std::atomic<int> active_requests{0};   // requests and handshakes in progress (not tunnels)
  std::atomic<int> active_retries{0};    // tries beyond the first in progress
  std::atomic<int> waiting{0};           // on hold, all of them
  std::atomic<int> waiting_upgrades{0};  // those of them that wait for more than a place: see HoldTicket
  HandshakeTrend handshakes;
  HandshakePace pace;
};

struct Member {
  EndpointPtr endpoint;
  int weight = 1;
  int priority = 0;  // those with the lowest number are picked while any of them can be
};

// Points of a consistent-hash ring over all members, whatever their state, so that a state change moves only
// the keys of that endpoint. Shared between views whose membership is equal.
struct HashRing {
  struct Point {
    std::uint64_t hash;
    std::uint32_t member;
  };
  std::vector<Point> points;  // sorted by hash
};
[[nodiscard]] std::shared_ptr<const HashRing> make_hash_ring(const std::vector<Member>& members);

// Where a sticky cookie leads: all members by the number in it, sorted. Shared as rings are.
struct StickyIndex {
  struct Entry {
    std::uint64_t number;
    std::uint32_t member;
  };
  std::vector<Entry> entries;
};
[[nodiscard]] std::shared_ptr<const StickyIndex> make_sticky_index(const std::vector<Member>& members);

// Why a cluster has no endpoints.
struct Absence {
  bool unresolved = false;  // its name has not been resolved yet
  std::string why;
};

struct ClusterView {
  std::uint32_t id = 0;      // the cluster's number, stable over views
  std::uint64_t roster = 0;  // grows when members or weights change; no two clusters of a process share one
  std::shared_ptr<const conf::Upstream> settings;
  std::shared_ptr<ClusterShared> shared;
  std::vector<Member> members;           // every endpoint that is not removed
  std::vector<std::uint32_t> eligible;   // members that were ready when it was made, of the first priority
  std::vector<std::uint32_t> spare;      // those of the others, the next priority first
  int greatest_weight = 1;               // of `eligible`
  bool even = false;                     // all of these have it
  std::shared_ptr<const HashRing> ring;  // only for Balance::hash
  std::shared_ptr<const StickyIndex> sticky;         // only for Balance::sticky
  std::shared_ptr<const Absence> absence = nullptr;  // of a source that has found none yet
  bool removed = false;                              // no configuration has it any more: all members drain

  // One address that stands for many pods and is the only choice: a retry goes to it anew. An earlier address
  // that still drains after a reload does not count.
  [[nodiscard]] bool virtual_single() const {
    return settings->virtual_address && eligible.size() + spare.size() == 1;
  }
};

using ClusterViewPtr = std::shared_ptr<const ClusterView>;

}  // namespace tidegate::upstream
