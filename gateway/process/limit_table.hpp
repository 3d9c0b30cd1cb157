// What one limit remembers of its clients, for all workers: a bounded table in shards, each with a mutex of
// its own. It is the one thing on the path of a request that workers share, and only where a limit is
// configured.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "conf/limits.hpp"
#include "gateway/observe/limit_report.hpp"
#include "gateway/process/client_key.hpp"
#include "gateway/process/rate_limit.hpp"

namespace tidegate::gateway {

// What a client asks of a limit; what the limit does not bound is granted.
struct LimitAsk {
  bool request = false;
  bool handshake = false;
  bool connection = false;  // holds a place until `leave`
  bool websocket = false;   // likewise
};

// What a limit has counted of a client's rates.
struct ClientRates {
  ClientKey client;
  Due requests = 0;
  Due handshakes = 0;

  template <class Archive>
  void carry(Archive& archive) {
    archive(client, requests, handshakes);
  }
};

struct LimitVerdict {
  bool admitted = true;
  LimitKind refused = LimitKind::requests;  // what there was too much of
  std::chrono::nanoseconds wait{0};         // as RateVerdict; 0 for want of a place
  bool holds_place = false;                 // `place` is to be left
  std::uint64_t place = 0;
};

class LimitPlace;

// Thread-safe.
class LimitTable {
 public:
  explicit LimitTable(conf::ClientLimit settings);
  LimitTable(const LimitTable&) = delete;
  LimitTable& operator=(const LimitTable&) = delete;

  [[nodiscard]] const conf::ClientLimit& settings() const { return settings_; }

  // Grants all that is asked, or refuses and counts nothing.
  [[nodiscard]] LimitVerdict enter(const ClientKey& client, const LimitAsk& ask, net::TimePoint now);
  // Gives back the places that `ask` has taken.
  void leave(std::uint64_t place, const LimitAsk& ask);
  // The request that was granted does not come about: another limit has refused it.
  void take_back(const ClientKey& client, const LimitAsk& ask);

  // === for a process that takes over ===

  // Of all clients whose rates are not as good as new.
  [[nodiscard]] std::vector<ClientRates> rates(net::TimePoint now) const;
  void restore(const ClientRates& rates, net::TimePoint now);
  // Takes the places that a client holds already, whatever the limit says by now; nothing if it bounds none
  // of them any more. `self` is this table.
  [[nodiscard]] std::optional<LimitPlace> enter_again(const std::shared_ptr<LimitTable>& self,
                                                      const ClientKey& client, const LimitAsk& asked,
                                                      net::TimePoint now);
  // Whose place it is.
  [[nodiscard]] ClientKey client_of(std::uint64_t place);

  // === counting what comes of verdicts; reports ===

  void count_refused(LimitKind kind);
  void count_delayed() { delayed_.fetch_add(1, std::memory_order_relaxed); }
  // True at most once in ten seconds: what dry runs say.
  [[nodiscard]] bool may_log(net::TimePoint now);
  [[nodiscard]] LimitReport report() const;

 private:
  static constexpr std::size_t kShards = 32;
  static constexpr std::size_t kChunk = 256;  // entries that are allocated at once
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Entry {
    ClientKey client;
    Due requests = 0;
    Due handshakes = 0;
    std::uint32_t connections = 0;
    std::uint32_t websockets = 0;
    std::uint32_t next = kNone;   // of its bucket, or of the free ones
    std::uint32_t newer = kNone;  // neighbours in the order of use, while it holds no place
    std::uint32_t older = kNone;
  };

  // Entries that hold places are in no order of use and never forgotten: there are never more of them than
  // open connections.
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::vector<std::uint32_t> buckets;
    std::vector<std::unique_ptr<std::array<Entry, kChunk>>> chunks;
    std::uint32_t free = kNone;
    std::uint32_t newest = kNone;
    std::uint32_t oldest = kNone;
    std::size_t size = 0;
    std::uint64_t forgotten = 0;

    [[nodiscard]] Entry& at(std::uint32_t index) { return (*chunks[index / kChunk])[index % kChunk]; }
    [[nodiscard]] const Entry& at(std::uint32_t index) const {
      return (*chunks[index / kChunk])[index % kChunk];
    }
    [[nodiscard]] std::uint32_t& bucket(std::uint64_t hash) { return buckets[hash & (buckets.size() - 1)]; }
    void use(std::uint32_t index);
    void unlink(std::uint32_t index);
    void add_free_entries();
  };

  [[nodiscard]] std::uint64_t hash(const ClientKey& client) const { return hash_of(client, seed_); }
  [[nodiscard]] Shard& shard_of(std::uint64_t hash) { return shards_[hash >> 59]; }
  [[nodiscard]] static std::uint32_t find(Shard& shard, std::uint64_t hash, const ClientKey& client);
  [[nodiscard]] std::uint32_t find_or_add(Shard& shard, std::uint64_t hash, const ClientKey& client,
                                          net::TimePoint now);
  void forget(Shard& shard, std::uint32_t index);
  void forget_empty(Shard& shard, net::TimePoint now);
  [[nodiscard]] LimitVerdict judge(const Entry& entry, const LimitAsk& ask, net::TimePoint now) const;
  void count(Entry& entry, const LimitAsk& ask, net::TimePoint now) const;

  const conf::ClientLimit settings_;
  const std::uint64_t seed_;
  const std::size_t most_per_shard_;
  std::array<Shard, kShards> shards_;
  std::array<std::atomic<std::uint64_t>, limit_kinds> refused_{};
  std::atomic<std::uint64_t> delayed_{0};
  std::atomic<net::Clock::rep> logged_{0};
};

using LimitTablePtr = std::shared_ptr<LimitTable>;

// Places taken by one connection or request; left when this is destroyed.
class LimitPlace {
 public:
  LimitPlace(LimitTablePtr table, std::uint64_t place, LimitAsk taken)
      : table_(std::move(table)), place_(place), taken_(taken) {}
  LimitPlace(LimitPlace&& other) noexcept = default;  // the moved-from one has no table
  LimitPlace& operator=(LimitPlace&& other) noexcept = delete;
  ~LimitPlace() {
    if (table_) table_->leave(place_, taken_);
  }

  [[nodiscard]] const LimitTable& table() const { return *table_; }
  [[nodiscard]] ClientKey client() const { return table_->client_of(place_); }
  [[nodiscard]] const LimitAsk& taken() const { return taken_; }

 private:
  LimitTablePtr table_;
  std::uint64_t place_;
  LimitAsk taken_;
};

using LimitPlaces = std::vector<LimitPlace>;

}  // namespace tidegate::gateway
