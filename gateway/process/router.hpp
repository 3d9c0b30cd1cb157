// From a request to a route: the configuration's routes compiled once, immutable, shared by all workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "conf/config.hpp"
#include "conf/template.hpp"
#include "gateway/process/access_list.hpp"
#include "gateway/process/password_files.hpp"
#include "gateway/process/path_regex.hpp"

namespace tidegate::gateway {

struct FieldRule {
  conf::HeaderOperation operation;
  std::string name;
  conf::Template value;
};

struct ProxyRoute {
  std::uint32_t upstream = 0;  // index into Config::upstreams
  conf::ProxyAction settings;
  conf::Template host_value;
  std::vector<FieldRule> request_rules;
  std::shared_ptr<const conf::WebSocketPolicy> websocket;  // tunnels outlive the configuration
};

struct RedirectRoute {
  int status = 308;
  conf::Template location;
};

struct CompiledRoute {
  std::string name;
  conf::PathMatch path;
  std::optional<PathRegex> regex;
  std::variant<ProxyRoute, RedirectRoute, conf::RespondAction> action;
  std::vector<FieldRule> response_rules;
  AccessList access;
  std::shared_ptr<PasswordFile> passwords;  // null: none is asked for
  std::string challenge;                    // WWW-Authenticate
  std::vector<std::uint32_t> limits;        // indices into Config::limits
};

struct RouteMatch {
  const CompiledRoute* route = nullptr;  // null if there is none
  bool gave_up = false;  // the regex of `route` did not come to an end: whether it is the one nobody knows
};

// Whether a route is for the requests of a listener.
[[nodiscard]] bool serves(const conf::Route& route, const conf::Listener& listener);

class Router {
 public:
  // `config` has been validated; throws std::logic_error on what validation should have refused.
  // Password files that are not among `passwords` are read at their first use.
  explicit Router(const conf::Config& config, const PasswordFilesByPath& passwords = {});

  // The route for a listener (index into Config::listeners), a lower-case host without port and a normalised
  // path. The result lives as long as the router. Where a regex gives up nothing is matched further, since
  // what follows may lack the checks of its route: the request is to be refused.
  [[nodiscard]] RouteMatch match(std::size_t listener, std::string_view host, std::string_view path) const;
  // The route of that name, or null.
  [[nodiscard]] const CompiledRoute* find(std::string_view name) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // The routes of one host, by kind of path condition.
  struct HostRoutes {
    std::unordered_map<std::string, const CompiledRoute*, Hash, std::equal_to<>> exact;
    std::vector<const CompiledRoute*> regex;     // in file order
    std::vector<const CompiledRoute*> prefixes;  // longest first

    [[nodiscard]] RouteMatch match(std::string_view path) const;
  };
  struct ListenerRoutes {
    std::unordered_map<std::string, HostRoutes, Hash, std::equal_to<>> exact;
    std::unordered_map<std::string, HostRoutes, Hash, std::equal_to<>> wildcard;  // key: suffix with its dot
    HostRoutes any;
  };

  static void add(ListenerRoutes& listener, const conf::Route& route, const CompiledRoute* compiled);

  std::vector<std::unique_ptr<CompiledRoute>> routes_;
  std::vector<ListenerRoutes> listeners_;
};

// `path` begins with `prefix` and goes on with a segment or ends there.
[[nodiscard]] bool has_path_prefix(std::string_view path, std::string_view prefix);

}  // namespace tidegate::gateway
