#include "gateway/process/resolve_names.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>

#include "gateway/process/networks.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::gateway {
namespace {

bool is_name(const conf::Address& address) {
  return !address.is_unix() && !Networks::is_address(address.host);
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::vector<conf::Endpoint> resolve(const conf::Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(endpoint.address.host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    const auto& place = endpoint.place;
    throw std::runtime_error(place.file + ":" + std::to_string(place.line) + ":" +
                             std::to_string(place.column) + ": cannot resolve " + endpoint.address.host +
                             ": " + ::gai_strerror(error) + "; write its IP address, or mend the name");
  }
  const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
  std::vector<conf::Endpoint> found;
  for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
    const auto address = net::SocketAddress::from_kernel(entry->ai_addr, entry->ai_addrlen);
    if (!address) continue;
    auto& member = found.emplace_back(endpoint);
    member.address.host = address->host();
    if (endpoint.name == endpoint.address.text()) member.name = member.address.text();
  }
  return found;
}

bool has_address(const std::vector<conf::Endpoint>& endpoints, const conf::Address& address) {
  return std::any_of(endpoints.begin(), endpoints.end(),
                     [&](const auto& one) { return one.address == address; });
}

}  // namespace

std::shared_ptr<const conf::Config> resolve_names(std::shared_ptr<const conf::Config> config) {
  auto resolved = std::make_shared<conf::Config>(*config);
  for (auto& upstream : resolved->upstreams) {
    std::vector<conf::Endpoint> endpoints;
    for (const auto& endpoint : upstream.endpoints) {
      if (!is_name(endpoint.address)) {
        endpoints.push_back(endpoint);
        continue;
      }
      for (auto& member : resolve(endpoint)) {
        if (!has_address(endpoints, member.address)) endpoints.push_back(std::move(member));
      }
    }
    upstream.endpoints = std::move(endpoints);
  }
  return resolved;
}

}  // namespace tidegate::gateway
