#include "gateway/handover/inventory.hpp"

#include <utility>

#include "conf/addresses.hpp"

namespace tidegate::gateway {

EndpointFacts facts_of(const upstream::EndpointReport& report, const upstream::Endpoint& endpoint) {
  EndpointFacts facts;
  facts.upstream = report.cluster;
  facts.address = report.address;
  facts.discovery = report.discovery;
  facts.state = report.state;
  facts.cause = report.last.cause;
  facts.drained_by_order = report.drained_by_order;
  facts.ready_since = endpoint.ready_since();
  facts.sockets = report.sockets;
  facts.name = report.name;
  facts.host = endpoint.host();
  facts.weight = report.weight;
  facts.priority = report.priority;
  facts.dual_stack = endpoint.dual_stack();
  return facts;
}

std::optional<upstream::DiscoveredEndpoint> offer_of(const EndpointFacts& facts) {
  auto address = conf::parse_endpoint_address(facts.address);
  if (!address) return std::nullopt;
  upstream::DiscoveredEndpoint offered;
  offered.address = std::move(*address);
  offered.name = facts.name;
  offered.host = facts.host;
  offered.weight = facts.weight;
  offered.priority = facts.priority;
  offered.dual_stack = facts.dual_stack;
  switch (facts.discovery) {
    case upstream::Discovery::present: return offered;
    case upstream::Discovery::not_serving: offered.offer = upstream::Offer::not_serving; break;
    case upstream::Discovery::draining:
    case upstream::Discovery::absent: offered.offer = upstream::Offer::leaving; break;
  }
  offered.cause = facts.cause;
  return offered;
}

}  // namespace tidegate::gateway
