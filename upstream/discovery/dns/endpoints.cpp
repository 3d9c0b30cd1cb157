#include "upstream/discovery/dns/endpoints.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace tidegate::upstream::dns {
namespace {

constexpr int largest_weight = 1'000;

DiscoveredEndpoint endpoint_at(const std::string& address, std::uint16_t port, const HostMemory& host) {
  DiscoveredEndpoint endpoint;
  endpoint.address = conf::Address{address, port, {}};
  endpoint.host = host.name();
  endpoint.dual_stack = host.is_dual_stack();
  return endpoint;
}

// For certificates: they name what was written rather than what the search list made of it.
std::string written_name(const Target& target) {
  auto name = target.what.name;
  if (name.ends_with('.')) name.pop_back();
  return name;
}

int scale_weight(int weight, int largest) {
  if (largest > largest_weight) weight = weight * largest_weight / largest;
  return std::max(weight, 1);
}

}  // namespace

std::vector<DiscoveredEndpoint> endpoints_of(const Target& target, const HostMemory& host) {
  std::vector<DiscoveredEndpoint> endpoints;
  const auto addresses = host.addresses();
  for (const auto& address : addresses) {
    auto endpoint = endpoint_at(address, target.what.port, host);
    endpoint.weight = target.weight;
    endpoint.host = written_name(target);
    endpoint.name = target.name;
    if (!target.name.empty() && addresses.size() > 1) endpoint.name += "-" + address;
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

std::vector<DiscoveredEndpoint> endpoints_of(const std::vector<ServiceRecord>& services, const Hosts& hosts) {
  auto ordered = services;
  std::ranges::sort(ordered, {}, [](const ServiceRecord& record) {
    return std::tie(record.priority, record.target, record.port, record.weight);
  });
  std::map<std::uint16_t, int> largest;  // by priority
  for (const auto& record : ordered) {
    auto& weight = largest[record.priority];
    weight = std::max<int>(weight, record.weight);
  }

  std::vector<DiscoveredEndpoint> endpoints;
  std::set<std::pair<std::string, std::uint16_t>> seen;
  for (const auto& record : ordered) {
    const auto host = hosts.find(record.target);
    if (host == hosts.end()) continue;
    for (const auto& address : host->second.addresses()) {
      if (endpoints.size() >= most_endpoints) return endpoints;
      if (!seen.emplace(address, record.port).second) continue;
      auto endpoint = endpoint_at(address, record.port, host->second);
      endpoint.weight = scale_weight(record.weight, largest[record.priority]);
      endpoint.priority = record.priority;
      endpoints.push_back(std::move(endpoint));
    }
  }
  return endpoints;
}

}  // namespace tidegate::upstream::dns
