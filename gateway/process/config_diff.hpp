// What a new configuration changes. Pure: it compares values, and what did not change is not touched.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"

namespace tidegate::gateway {

// Named things of one kind, in the order of their file.
struct Changes {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;

  [[nodiscard]] bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

struct ConfigDiff {
  // By index into the new listeners: the index of the same listener before; none: it is new. Listeners are
  // the same if they have the same address, whatever else they say.
  std::vector<std::optional<std::size_t>> listeners_before;
  Changes listeners;     // by address
  Changes routes;        // by name
  Changes upstreams;     // by name
  Changes limits;        // by name
  bool process = false;  // anything else: logs, admin, workers, shutdown, ...

  [[nodiscard]] bool empty() const {
    return listeners.empty() && routes.empty() && upstreams.empty() && limits.empty() && !process;
  }
};

[[nodiscard]] ConfigDiff compare(const conf::Config& before, const conf::Config& after);

// One sentence for people: `routes: 1 added (/b), 1 changed (/); upstreams: 1 removed (old)`, or `nothing has
// changed`. Long lists are cut.
[[nodiscard]] std::string describe(const ConfigDiff& diff);

// Whether connections that were opened under `before` may go on under `after`. If what was asked of them when
// they were opened is not the same, they end with the request in progress: a client that once came in without
// a certificate must not go on where one is required now.
[[nodiscard]] bool keeps_connections(const conf::Listener& before, const conf::Listener& after);

// Whether idle connections to the endpoints may be used further; if not, they were opened in another way
// (TLS, source address, PROXY header) than new ones are.
[[nodiscard]] bool keeps_pool(const conf::Upstream& before, const conf::Upstream& after);

}  // namespace tidegate::gateway
