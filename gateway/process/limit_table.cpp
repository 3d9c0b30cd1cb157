#include "gateway/process/limit_table.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace tidegate::gateway {
namespace {

constexpr std::chrono::seconds kLogInterval{10};

std::uint64_t place_of(std::uint64_t hash, std::uint32_t index) {
  return ((hash >> 59) << 32) | index;
}

}  // namespace

LimitTable::LimitTable(conf::ClientLimit settings)
    : settings_(std::move(settings)),
      seed_(random_seed()),
      most_per_shard_(std::max<std::size_t>((settings_.addresses + kShards - 1) / kShards, 1)) {}

// === the order of use, and room ===

void LimitTable::Shard::use(std::uint32_t index) {
  auto& entry = at(index);
  entry.newer = kNone;
  entry.older = newest;
  if (newest != kNone) at(newest).newer = index;
  newest = index;
  if (oldest == kNone) oldest = index;
}

void LimitTable::Shard::unlink(std::uint32_t index) {
  auto& entry = at(index);
  (entry.newer == kNone ? newest : at(entry.newer).older) = entry.older;
  (entry.older == kNone ? oldest : at(entry.older).newer) = entry.newer;
}

void LimitTable::Shard::add_free_entries() {
  const auto first = static_cast<std::uint32_t>(chunks.size() * kChunk);
  chunks.push_back(std::make_unique<std::array<Entry, kChunk>>());
  for (std::uint32_t i = kChunk; i-- > 0;) {
    at(first + i).next = free;
    free = first + i;
  }
}

void LimitTable::forget(Shard& shard, std::uint32_t index) {
  auto& entry = shard.at(index);
  auto* link = &shard.bucket(hash(entry.client));
  while (*link != index) link = &shard.at(*link).next;
  *link = entry.next;
  shard.unlink(index);
  entry.next = shard.free;
  shard.free = index;
  --shard.size;
}

// Two at a time, so that the table shrinks when it is used less and nobody pays for all of it at once.
void LimitTable::forget_empty(Shard& shard, net::TimePoint now) {
  for (int i = 0; i < 2 && shard.oldest != kNone; ++i) {
    const auto& entry = shard.at(shard.oldest);
    if (!is_empty(entry.requests, now) || !is_empty(entry.handshakes, now)) return;
    forget(shard, shard.oldest);
  }
}

std::uint32_t LimitTable::find(Shard& shard, std::uint64_t hash, const ClientKey& client) {
  if (shard.buckets.empty()) return kNone;
  auto index = shard.bucket(hash);
  while (index != kNone && !(shard.at(index).client == client)) index = shard.at(index).next;
  return index;
}

std::uint32_t LimitTable::find_or_add(Shard& shard, std::uint64_t hash, const ClientKey& client,
                                      net::TimePoint now) {
  if (shard.buckets.empty()) shard.buckets.resize(std::bit_ceil(most_per_shard_), kNone);
  if (const auto found = find(shard, hash, client); found != kNone) return found;
  forget_empty(shard, now);
  // Two for one: what entries with places have taken beyond the bound is given back.
  for (int i = 0; i < 2 && shard.size >= most_per_shard_ && shard.oldest != kNone; ++i) {
    forget(shard, shard.oldest);
    ++shard.forgotten;
  }
  if (shard.free == kNone) shard.add_free_entries();
  const auto index = shard.free;
  auto& entry = shard.at(index);
  shard.free = entry.next;
  entry = {};
  entry.client = client;
  entry.next = std::exchange(shard.bucket(hash), index);
  shard.use(index);
  ++shard.size;
  return index;
}

// === verdicts ===

LimitVerdict LimitTable::judge(const Entry& entry, const LimitAsk& ask, net::TimePoint now) const {
  LimitVerdict verdict;
  const auto refuse = [&](LimitKind kind, std::chrono::nanoseconds wait) {
    verdict.admitted = false;
    verdict.refused = kind;
    verdict.wait = wait;
    return verdict;
  };
  const auto is_full = [](bool asked, std::uint32_t taken, std::uint32_t most) {
    return asked && most != 0 && taken >= most;
  };
  if (is_full(ask.connection, entry.connections, settings_.connections))
    return refuse(LimitKind::connections, {});
  if (is_full(ask.websocket, entry.websockets, settings_.websockets))
    return refuse(LimitKind::websockets, {});
  if (ask.request && settings_.requests.limits()) {
    const auto rate = look_at(settings_.requests, entry.requests, now);
    if (!rate.admitted) return refuse(LimitKind::requests, rate.wait);
    verdict.wait = rate.wait;
  }
  if (ask.handshake && settings_.handshakes.limits()) {
    const auto rate = look_at(settings_.handshakes, entry.handshakes, now);
    if (!rate.admitted) return refuse(LimitKind::handshakes, rate.wait);
    verdict.wait = std::max(verdict.wait, rate.wait);
  }
  return verdict;
}

void LimitTable::count(Entry& entry, const LimitAsk& ask, net::TimePoint now) const {
  if (ask.request && settings_.requests.limits())
    entry.requests = count_event(settings_.requests, entry.requests, now);
  if (ask.handshake && settings_.handshakes.limits())
    entry.handshakes = count_event(settings_.handshakes, entry.handshakes, now);
  if (ask.connection) ++entry.connections;
  if (ask.websocket) ++entry.websockets;
}

LimitVerdict LimitTable::enter(const ClientKey& client, const LimitAsk& asked, net::TimePoint now) {
  auto ask = asked;
  ask.connection = ask.connection && settings_.connections != 0;
  ask.websocket = ask.websocket && settings_.websockets != 0;
  const auto hashed = hash(client);
  auto& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  const auto index = find_or_add(shard, hashed, client, now);
  auto& entry = shard.at(index);
  const bool held = entry.connections + entry.websockets > 0;
  if (!held) shard.unlink(index);
  auto verdict = judge(entry, ask, now);
  if (verdict.admitted) {
    count(entry, ask, now);
    verdict.holds_place = ask.connection || ask.websocket;
    verdict.place = place_of(hashed, index);
  }
  if (!held && !verdict.holds_place) shard.use(index);
  return verdict;
}

void LimitTable::leave(std::uint64_t place, const LimitAsk& ask) {
  auto& shard = shards_[place >> 32];
  const auto index = static_cast<std::uint32_t>(place);
  const std::lock_guard lock(shard.mutex);
  auto& entry = shard.at(index);
  if (ask.connection && settings_.connections != 0) --entry.connections;
  if (ask.websocket && settings_.websockets != 0) --entry.websockets;
  if (entry.connections + entry.websockets == 0) shard.use(index);
}

void LimitTable::take_back(const ClientKey& client, const LimitAsk& ask) {
  const auto hashed = hash(client);
  auto& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  const auto index = find(shard, hashed, client);
  if (index == kNone) return;  // forgotten meanwhile
  auto& entry = shard.at(index);
  if (ask.request && settings_.requests.limits())
    entry.requests = uncount_event(settings_.requests, entry.requests);
  if (ask.handshake && settings_.handshakes.limits())
    entry.handshakes = uncount_event(settings_.handshakes, entry.handshakes);
}

// === taking over ===

std::vector<ClientRates> LimitTable::rates(net::TimePoint now) const {
  std::vector<ClientRates> all;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto index : shard.buckets) {
      for (; index != kNone; index = shard.at(index).next) {
        const auto& entry = shard.at(index);
        if (!is_empty(entry.requests, now) || !is_empty(entry.handshakes, now))
          all.push_back({entry.client, entry.requests, entry.handshakes});
      }
    }
  }
  return all;
}

void LimitTable::restore(const ClientRates& rates, net::TimePoint now) {
  const auto hashed = hash(rates.client);
  auto& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  auto& entry = shard.at(find_or_add(shard, hashed, rates.client, now));
  entry.requests = rates.requests;
  entry.handshakes = rates.handshakes;
}

std::optional<LimitPlace> LimitTable::enter_again(const LimitTablePtr& self, const ClientKey& client,
                                                  const LimitAsk& asked, net::TimePoint now) {
  auto held = asked;
  held.connection = held.connection && settings_.connections != 0;
  held.websocket = held.websocket && settings_.websockets != 0;
  if (!held.connection && !held.websocket) return std::nullopt;
  const auto hashed = hash(client);
  auto& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  const auto index = find_or_add(shard, hashed, client, now);
  auto& entry = shard.at(index);
  if (entry.connections + entry.websockets == 0) shard.unlink(index);
  if (held.connection) ++entry.connections;
  if (held.websocket) ++entry.websockets;
  return LimitPlace(self, place_of(hashed, index), held);
}

ClientKey LimitTable::client_of(std::uint64_t place) {
  auto& shard = shards_[place >> 32];
  const std::lock_guard lock(shard.mutex);
  return shard.at(static_cast<std::uint32_t>(place)).client;
}

// === reports ===

void LimitTable::count_refused(LimitKind kind) {
  refused_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
}

bool LimitTable::may_log(net::TimePoint now) {
  const auto at = now.time_since_epoch().count();
  auto before = logged_.load(std::memory_order_relaxed);
  const auto interval = std::chrono::duration_cast<net::Clock::duration>(kLogInterval).count();
  if (before != 0 && at - before < interval) return false;
  return logged_.compare_exchange_strong(before, at, std::memory_order_relaxed);
}

LimitReport LimitTable::report() const {
  LimitReport report;
  report.name = settings_.name;
  report.dry_run = settings_.dry_run;
  for (std::size_t i = 0; i < limit_kinds; ++i)
    report.refused[i] = refused_[i].load(std::memory_order_relaxed);
  report.delayed = delayed_.load(std::memory_order_relaxed);
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    report.clients += shard.size;
    report.forgotten += shard.forgotten;
  }
  return report;
}

}  // namespace tidegate::gateway
