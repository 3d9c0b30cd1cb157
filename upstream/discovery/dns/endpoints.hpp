// The endpoints that DNS records stand for: pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conf/discovery.hpp"
#include "upstream/discovery/dns/host_memory.hpp"
#include "upstream/discovery/source.hpp"

namespace tidegate::upstream::dns {

// A name whose addresses, or the targets of whose SRV records, are endpoints.
struct Target {
  conf::DnsSource what;
  int weight = 1;  // of each address; SRV records bring their own
  std::string
      name;  // of the endpoint, which it has while it is the only one; of several each gets its address added
  bool is_virtual = false;  // it is known to be an address that stands for many pods: no warning of that
};

// In the order of the host's addresses.
[[nodiscard]] std::vector<DiscoveredEndpoint> endpoints_of(const Target& target, const HostMemory& host);

// Records and addresses multiply: so many endpoints are taken, those of the first ones.
inline constexpr std::size_t most_endpoints = 10'000;

// Of SRV records, by priority, target and port. `hosts` is by target; those that are not in it have no
// addresses. Each address of a target has the weight of its record: 1 for 0, and where one of a priority is
// above 1000 all of that priority are scaled, in proportion and at least 1. An address with its port stands
// once, by the record of the lowest priority number.
using Hosts = std::map<std::string, HostMemory, std::less<>>;
[[nodiscard]] std::vector<DiscoveredEndpoint> endpoints_of(const std::vector<ServiceRecord>& services,
                                                           const Hosts& hosts);

}  // namespace tidegate::upstream::dns
