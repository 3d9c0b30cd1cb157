#include "upstream/claims.hpp"

#include <algorithm>

namespace tidegate::upstream {
namespace {

bool contains(const StaleSources& stale, SourceNumber source) {
  return std::ranges::find(stale, source) != stale.end();
}

}  // namespace

void Claims::set(SourceNumber source, const DiscoveredEndpoint& offered) {
  const auto found = std::ranges::find(claims_, source, &Claim::source);
  if (found != claims_.end()) {
    found->offered = offered;
  } else {
    claims_.push_back({source, offered});
  }
}

void Claims::withdraw(SourceNumber source) {
  std::erase_if(claims_, [source](const Claim& claim) { return claim.source == source; });
}

bool Claims::has(SourceNumber source) const {
  return std::ranges::find(claims_, source, &Claim::source) != claims_.end();
}

const Claims::Claim* Claims::best_claim(const StaleSources& stale) const {
  const auto rank = [&](const Claim& claim) {
    const auto offer = claim.offered.offer;
    return offer == Offer::serving && contains(stale, claim.source) ? Offer::not_serving : offer;
  };
  const auto is_better = [&](const Claim& claim, const Claim& other) {
    if (rank(claim) != rank(other)) return rank(claim) < rank(other);
    return claim.source == listed || (other.source != listed && claim.source > other.source);
  };
  const Claim* best = nullptr;
  for (const auto& claim : claims_)
    if (best == nullptr || is_better(claim, *best)) best = &claim;
  return best;
}

Discovery Claims::discovery(const StaleSources& stale) const {
  const auto* const claim = best_claim(stale);
  if (claim == nullptr) return Discovery::absent;
  switch (claim->offered.offer) {
    case Offer::serving: return contains(stale, claim->source) ? Discovery::not_serving : Discovery::present;
    case Offer::not_serving: return Discovery::not_serving;
    case Offer::leaving: break;
  }
  return Discovery::draining;
}

const DiscoveredEndpoint& Claims::best(const StaleSources& stale) const {
  return best_claim(stale)->offered;
}

}  // namespace tidegate::upstream
