#include "upstream/pick.hpp"

#include <algorithm>
#include <charconv>

namespace tidegate::upstream {
namespace {

constexpr std::int64_t full_share =
    1000;  // of a weight unit; a newly ready endpoint begins with a tenth of it
constexpr std::uint64_t sticky_salt = 0x7469646567617465ULL;

// From so many on not every endpoint is looked at for a pick: some are drawn.
constexpr std::size_t crowd = 256;
// Of a crowd. The least busy of so many is among the least busy twentieth of all, four times out of five.
constexpr int least_drawn = 32;
// Draws that meet nobody who can take it, before all are looked at after all.
constexpr int most_draws = 64;

using Indices = std::span<const std::uint32_t>;

// MurmurHash3's finaliser: every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return hash ^ (hash >> 33);
}

std::uint64_t draw(PickState& state) {
  if (state.random == 0) state.random = 0x9e3779b97f4a7c15ULL;  // zero is the one seed xorshift cannot leave
  state.random ^= state.random >> 12;
  state.random ^= state.random << 25;
  state.random ^= state.random >> 27;
  return state.random * 0x2545f4914f6cdd1dULL;
}

bool usable(const Member& member, const PickAsk& ask) {
  const auto& endpoint = *member.endpoint;
  return endpoint.takes(ask.socket) && !endpoint.full() &&
         std::ranges::find(ask.tried, endpoint.id()) == ask.tried.end();
}

// The member's part of the traffic in thousandths of a weight unit: its weight, ramped up linearly from a
// tenth while it starts slowly.
std::int64_t share_of(const Member& member, const ClusterView& view, TimePoint now) {
  const auto ramp = std::chrono::duration_cast<Clock::duration>(view.settings->slow_start);
  const auto weight = std::int64_t{member.weight};
  if (ramp <= Clock::duration::zero()) return weight * full_share;
  const auto age = std::clamp(now - member.endpoint->ready_since(), Clock::duration::zero(), ramp);
  constexpr std::int64_t first_share = full_share / 10;
  const auto grown = static_cast<double>(age.count()) / static_cast<double>(ramp.count());
  return weight *
         (first_share + static_cast<std::int64_t>(grown * static_cast<double>(full_share - first_share)));
}

// A member and its load: connections per share, one more counted so that idle members differ by their share
// too.
struct Candidate {
  const Member* member = nullptr;
  std::int64_t connections = 0;
  std::int64_t share = 1;
};

Candidate weigh(const Member& member, const ClusterView& view, TimePoint now) {
  return {&member, std::int64_t{member.endpoint->active()} + 1, share_of(member, view, now)};
}

// Negative if `a` carries less than `b`, compared without division.
std::int64_t compare_load(const Candidate& a, const Candidate& b) {
  return a.connections * b.share - b.connections * a.share;
}

// Of a crowd: one at random, each with the chance that its share is of the greatest; null if chance did not
// find one.
const Member* draw_by_share(const ClusterView& view, Indices among, PickState& state, const PickAsk& ask) {
  const auto greatest = static_cast<std::uint64_t>(view.greatest_weight) * full_share;
  for (int draws = 0; draws < most_draws; ++draws) {
    const auto& member = view.members[among[draw(state) % among.size()]];
    if (!usable(member, ask)) continue;
    if (draw(state) % greatest < static_cast<std::uint64_t>(share_of(member, view, ask.now))) return &member;
  }
  return nullptr;
}

// Of a crowd: the least busy one of some.
const Member* draw_least_busy(const ClusterView& view, Indices among, int drawn, PickState& state,
                              const PickAsk& ask) {
  Candidate best;
  for (int draws = 0; draws < most_draws && drawn > 0; ++draws) {
    const auto& member = view.members[among[draw(state) % among.size()]];
    if (!usable(member, ask)) continue;
    --drawn;
    const auto candidate = weigh(member, view, ask.now);
    if (best.member == nullptr || compare_load(candidate, best) < 0) best = candidate;
  }
  return best.member;
}

// Of a crowd: the next in turn, where all have one share.
const Member* take_turn(const ClusterView& view, Indices among, PickState& state, const PickAsk& ask) {
  if (state.turn == 0) state.turn = draw(state) | 1;
  for (std::size_t looked = 0; looked < among.size(); ++looked) {
    const auto& member = view.members[among[++state.turn % among.size()]];
    if (usable(member, ask)) return &member;
  }
  return nullptr;
}

// Begins at a random phase: otherwise every worker and every change of members would send the first request
// to the same one.
void reset_credits(const ClusterView& view, PickState& state) {
  state.credits.resize(view.members.size());
  for (std::size_t index = 0; index < view.members.size(); ++index) {
    const auto span = static_cast<std::uint64_t>(view.members[index].weight) * full_share;
    state.credits[index] = static_cast<std::int64_t>(draw(state) % std::max<std::uint64_t>(span, 1));
  }
  state.roster = view.roster;
}

// nginx's smooth weighted round robin: everyone earns its share, the richest is picked and pays the whole
// round.
const Member* pick_round_robin(const ClusterView& view, Indices among, PickState& state, const PickAsk& ask) {
  if (among.size() > crowd) {
    if (view.even && view.settings->slow_start.count() <= 0) return take_turn(view, among, state, ask);
    if (const auto* drawn = draw_by_share(view, among, state, ask)) return drawn;
  }
  if (state.roster != view.roster || state.credits.size() != view.members.size()) reset_credits(view, state);
  std::int64_t round = 0;
  std::uint32_t richest = 0;
  const Member* picked = nullptr;
  for (const auto index : among) {
    const auto& member = view.members[index];
    if (!usable(member, ask)) continue;
    const auto share = share_of(member, view, ask.now);
    round += share;
    state.credits[index] += share;
    if (picked != nullptr && state.credits[index] <= state.credits[richest]) continue;
    picked = &member;
    richest = index;
  }
  if (picked != nullptr) state.credits[richest] -= round;
  return picked;
}

const Member* pick_least_connections(const ClusterView& view, Indices among, PickState& state,
                                     const PickAsk& ask) {
  if (among.size() > crowd) {
    if (const auto* drawn = draw_least_busy(view, among, least_drawn, state, ask)) return drawn;
  }
  Candidate best;
  std::uint64_t equals = 0;
  for (const auto index : among) {
    if (!usable(view.members[index], ask)) continue;
    const auto candidate = weigh(view.members[index], view, ask.now);
    const auto order = best.member == nullptr ? -1 : compare_load(candidate, best);
    if (order > 0) continue;
    equals = order < 0 ? 1 : equals + 1;
    if (equals == 1 || draw(state) % equals == 0)
      best = candidate;  // each of the equals with the same chance
  }
  return best.member;
}

const Member* pick_random_two(const ClusterView& view, Indices among, PickState& state, const PickAsk& ask) {
  if (among.size() > crowd) {
    if (const auto* less_busy = draw_least_busy(view, among, 2, state, ask)) return less_busy;
  }
  const Member* drawn[2] = {nullptr, nullptr};  // a uniform sample of two, in one pass
  std::uint64_t seen = 0;
  for (const auto index : among) {
    const auto& member = view.members[index];
    if (!usable(member, ask)) continue;
    if (seen < 2) {
      drawn[seen] = &member;
    } else if (const auto place = draw(state) % (seen + 1); place < 2) {
      drawn[place] = &member;
    }
    ++seen;
  }
  if (seen < 2) return drawn[0];
  const auto order = compare_load(weigh(*drawn[0], view, ask.now), weigh(*drawn[1], view, ask.now));
  if (order == 0) return drawn[draw(state) % 2];
  return drawn[order < 0 ? 0 : 1];
}

const Member* pick_by_hash(const ClusterView& view, Indices among, PickState& state, const PickAsk& ask) {
  if (view.ring == nullptr) return pick_least_connections(view, among, state, ask);
  // Asked first, so that an outage does not cost a walk over the whole ring for every request.
  const auto possible = [&](std::uint32_t index) { return usable(view.members[index], ask); };
  if (std::ranges::none_of(among, possible)) return nullptr;

  const auto priority = view.members[among.front()].priority;
  const auto& points = view.ring->points;
  auto point = std::ranges::lower_bound(points, ask.hash, {}, &HashRing::Point::hash);
  for (std::size_t walked = 0; walked < points.size(); ++walked, ++point) {
    if (point == points.end()) point = points.begin();
    const auto& member = view.members[point->member];
    if (member.priority == priority && usable(member, ask)) return &member;
  }
  return nullptr;
}

// Whom the cookie names, whatever its priority.
const Member* pick_named(const ClusterView& view, const PickAsk& ask) {
  std::uint64_t wanted = 0;
  const auto* const end = ask.sticky.data() + ask.sticky.size();
  const auto parsed = std::from_chars(ask.sticky.data(), end, wanted, 16);
  if (view.sticky == nullptr || parsed.ec != std::errc{} || parsed.ptr != end) return nullptr;
  const auto& entries = view.sticky->entries;
  const auto found = std::ranges::lower_bound(entries, wanted, {}, &StickyIndex::Entry::number);
  if (found == entries.end() || found->number != wanted) return nullptr;
  const auto& member = view.members[found->member];
  return usable(member, ask) ? &member : nullptr;
}

const Member* pick_among(const ClusterView& view, Indices among, PickState& state, const PickAsk& ask) {
  if (among.empty()) return nullptr;
  switch (view.settings->balance.kind) {
    case conf::Balance::round_robin: return pick_round_robin(view, among, state, ask);
    case conf::Balance::least_connections:
    case conf::Balance::sticky: return pick_least_connections(view, among, state, ask);
    case conf::Balance::random_two: return pick_random_two(view, among, state, ask);
    case conf::Balance::hash: return pick_by_hash(view, among, state, ask);
  }
  return nullptr;
}

}  // namespace

const Member* pick(const ClusterView& view, PickState& state, const PickAsk& ask) {
  if (!ask.sticky.empty()) {
    if (const auto* named = pick_named(view, ask)) return named;
  }
  if (const auto* first = pick_among(view, view.eligible, state, ask)) return first;
  return pick_among(view, view.spare, state, ask);
}

std::uint64_t sticky_number(const Endpoint& endpoint) {
  return mix(endpoint.identity() ^ sticky_salt);
}

std::uint64_t hash_of(std::string_view key) {
  std::uint64_t hash =
      0xcbf29ce484222325ULL;  // FNV-1a, finished by `mix` because short keys leave its top bits poor
  for (const char byte : key) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  return mix(hash);
}

std::string sticky_value(const Endpoint& endpoint) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string value(16, '0');
  auto number = sticky_number(endpoint);
  for (auto digit = value.rbegin(); digit != value.rend(); ++digit, number >>= 4)
    *digit = digits[number & 15];
  return value;
}

}  // namespace tidegate::upstream
