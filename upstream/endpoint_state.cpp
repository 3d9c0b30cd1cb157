#include "upstream/endpoint_state.hpp"

namespace tidegate::upstream {

EndpointState derive_state(const EndpointFacts& facts) {
  if (facts.discovery == Discovery::absent && facts.empty) return EndpointState::removed;
  const bool leaves = facts.discovery == Discovery::draining || facts.discovery == Discovery::absent;
  if (leaves || facts.admin == AdminOrder::drain) return EndpointState::draining;
  if (facts.discovery == Discovery::not_serving) return EndpointState::unready;
  if (facts.virtual_address) return EndpointState::ready;
  switch (facts.verdict) {
    case Verdict::pass: return EndpointState::ready;
    case Verdict::fail: return EndpointState::unready;
    case Verdict::unknown: break;
  }
  return facts.probed ? EndpointState::probing : EndpointState::ready;
}

std::string_view name_of(EndpointState state) {
  switch (state) {
    case EndpointState::probing: return "probing";
    case EndpointState::ready: return "ready";
    case EndpointState::unready: return "unready";
    case EndpointState::draining: return "draining";
    case EndpointState::removed: return "removed";
  }
  return "unknown";
}

}  // namespace tidegate::upstream
