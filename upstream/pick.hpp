// Choosing an endpoint: pure, over a view and a worker's own small state. No allocation after the first call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "upstream/cluster_view.hpp"

namespace tidegate::upstream {

// One worker's (or control's) memory of one cluster between picks.
struct PickState {
  std::uint64_t roster = 0;                   // `credits` belong to its members
  std::vector<std::int64_t> credits;          // smooth weighted round robin, one per member
  std::uint64_t turn = 0;                     // plain round robin, of a crowd; 0: not begun
  std::uint64_t random = 0x9e3779b97f4a7c15;  // xorshift state; seed it per worker
};

struct PickAsk {
  std::uint64_t hash = 0;             // key of Balance::hash, made by `hash_of`
  std::string_view sticky;            // value of the sticky cookie, or empty
  std::span<const EndpointId> tried;  // endpoints to pass over
  TimePoint now;                      // for slow start
  bool socket = false;                // an upgrade: only an endpoint that takes new sockets will do
};

// An endpoint that takes such a request now (by its own atomic state, not only the view), not full and not
// tried; nullptr if there is none. Those of the view's first priority are asked first, then the others. With
// a sticky cookie the named endpoint wins while it is eligible, else least connections. Of more than 256 not
// every one is looked at: the least busy is that of 32 drawn at random, and a round by weights is a draw by
// weights. The caller reserves it, and asks again with it in `tried` if the reservation fails.
[[nodiscard]] const Member* pick(const ClusterView& view, PickState& state, const PickAsk& ask);

// Stable over processes and machines (replicas agree).
[[nodiscard]] std::uint64_t hash_of(std::string_view key);

// The number in an endpoint's sticky cookie.
[[nodiscard]] std::uint64_t sticky_number(const Endpoint& endpoint);

// The sticky cookie's value for an endpoint: opaque, stable, and not its address.
[[nodiscard]] std::string sticky_value(const Endpoint& endpoint);

}  // namespace tidegate::upstream
