// Views and settings for tests, made by hand.
#pragma once

#include <string>
#include <vector>

#include "upstream/cluster_view.hpp"

namespace tidegate::upstream {

inline conf::Address address_of(std::uint16_t port) {
  return {"127.0.0.1", port, {}};
}

inline std::shared_ptr<conf::Upstream> make_settings(std::initializer_list<std::uint16_t> ports) {
  auto settings = std::make_shared<conf::Upstream>();
  settings->name = "pods";
  for (const auto port : ports) settings->endpoints.push_back({address_of(port), 1, {}, {}});
  return settings;
}

// A view whose endpoints, one per weight, are all ready.
inline ClusterView make_view(conf::Balance kind, const std::vector<int>& weights, int max_connections = 0) {
  ClusterView view;
  auto settings = std::make_shared<conf::Upstream>();
  settings->balance.kind = kind;
  settings->max_connections = max_connections;
  view.settings = settings;
  view.shared = std::make_shared<ClusterShared>();
  view.roster = 1;
  for (std::size_t index = 0; index < weights.size(); ++index) {
    const auto id = static_cast<EndpointId>(index + 1);
    auto endpoint = std::make_shared<Endpoint>(
        id, "pod-" + std::to_string(id), address_of(static_cast<std::uint16_t>(8000 + id)), max_connections);
    endpoint->set_state(EndpointState::ready);
    view.eligible.push_back(static_cast<std::uint32_t>(index));
    view.members.push_back({std::move(endpoint), weights[index]});
  }
  if (kind == conf::Balance::hash) view.ring = make_hash_ring(view.members);
  if (kind == conf::Balance::sticky) view.sticky = make_sticky_index(view.members);
  return view;
}

}  // namespace tidegate::upstream
