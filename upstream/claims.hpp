// What several sources say of one endpoint, and what follows from all of it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "upstream/discovery/source.hpp"
#include "upstream/endpoint_state.hpp"

namespace tidegate::upstream {

// Of a source within its cluster; a later one has a higher number.
using SourceNumber = std::uint32_t;
inline constexpr SourceNumber listed = 0;  // the list in the configuration

// The sources of a cluster whose word is too old: what they offer takes nothing new.
using StaleSources = std::vector<SourceNumber>;

class Claims {
 public:
  // The source has it, as it says now.
  void set(SourceNumber source, const DiscoveredEndpoint& offered);
  // It has it no more.
  void withdraw(SourceNumber source);
  [[nodiscard]] bool has(SourceNumber source) const;
  [[nodiscard]] bool empty() const { return claims_.empty(); }

  // The best that any of them says: as long as one source serves, it serves. Absent without any.
  [[nodiscard]] Discovery discovery(const StaleSources& stale) const;
  // What the one says that is best; there must be one. Of equals the list in the configuration, else the
  // latest source.
  [[nodiscard]] const DiscoveredEndpoint& best(const StaleSources& stale) const;

 private:
  struct Claim {
    SourceNumber source;
    DiscoveredEndpoint offered;
  };
  [[nodiscard]] const Claim* best_claim(const StaleSources& stale) const;

  std::vector<Claim> claims_;  // hardly ever more than one
};

}  // namespace tidegate::upstream
