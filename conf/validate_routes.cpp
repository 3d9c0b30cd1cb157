#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "conf/checks.hpp"
#include "conf/pattern.hpp"
#include "conf/spelling.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

std::string route_path(std::size_t index) {
  return "routes[" + std::to_string(index) + "]";
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  // Bounded, since many routes of a generated file may be wrong alike.
  constexpr std::size_t most = 1000;
  const auto end = known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), most));
  const std::vector<std::string_view> views(known.begin(), end);
  if (const auto near = nearest(name, views)) return "; did you mean `" + std::string(*near) + "`?";
  std::string out = known.empty() ? "; there is none" : "; there are:";
  for (std::size_t i = 0; i < known.size() && i < 20; ++i) out += (i == 0 ? " " : ", ") + known[i];
  return out;
}

// What routes refer to.
struct Known {
  std::vector<std::string> listeners;
  std::vector<std::string> upstreams;
  std::unordered_set<std::string_view> upstream_set;
};

// === path ===

bool has_escape(std::string_view path) {
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
  };
  for (std::size_t i = 0; i + 2 < path.size(); ++i) {
    if (path[i] == '%' && is_hex(path[i + 1]) && is_hex(path[i + 2])) return true;
  }
  return false;
}

bool has_dot_segment(std::string_view path) {
  const std::string closed = std::string(path) + "/";
  return closed.find("/./") != std::string::npos || closed.find("/../") != std::string::npos;
}

std::optional<std::string> path_fault(std::string_view path) {
  if (!path.starts_with('/')) return "a path begins with `/`, found " + quote(path);
  if (path.find_first_of("?#") != std::string_view::npos) {
    return "a path is matched without its query and fragment: leave out `?` and `#`";
  }
  if (has_escape(path)) return "a path is matched decoded: write the characters themselves instead of `%..`";
  if (path.find("//") != std::string_view::npos)
    return "a path is matched without empty segments: write `/` for `//`";
  if (has_dot_segment(path))
    return "a path is matched after `.` and `..` were resolved: write it without them";
  return std::nullopt;
}

void check_path(const PathMatch& path, Findings& findings) {
  static constexpr std::array<std::string_view, 3> keys{"prefix", "exact", "regex"};
  // Where the value was written as `path: /x`, there is no such key and the place is that of the route.
  const std::string field = "path." + std::string(keys.at(static_cast<std::size_t>(path.kind)));
  const auto fault = path.kind == PathKind::regex ? pattern_fault(path.value) : path_fault(path.value);
  if (!fault) return;
  const bool regex = path.kind == PathKind::regex;
  findings.add(regex ? field : "path", regex ? "the regular expression does not compile: " + *fault : *fault);
}

// === actions ===

void check_upgrade(const UpgradePolicy& policy, Findings& findings) {
  for (const auto& name : policy.others) {
    const std::size_t slash = name.find('/');
    const bool version = slash == std::string::npos || is_token(std::string_view(name).substr(slash + 1));
    if (!is_token(std::string_view(name).substr(0, slash)) || !version) {
      findings.add("upgrade", quote(name) + " is not the name of an upgrade protocol such as `websocket`");
    }
    // A tunnel opened by h2c would carry requests past every rule of the gateway.
    if (edit_distance(name, "h2c") == 0) {
      findings.add("upgrade", "`h2c` cannot be passed: its requests would bypass the routes");
    }
  }
}

void check_websocket(const WebSocketPolicy& policy, Findings findings) {
  if (policy.inspect == Inspect::off) {
    if (policy.pings.any() || policy.rate.limits() || policy.frame_bytes != 0 || policy.message_bytes != 0)
      findings.add("inspect", "`off` looks at no frame: leave out limits and pings, or write `watch`");
    if (policy.redrive.count() > 0) {
      findings.add("inspect",
                   "`off` looks at no frame: leave out `redrive` and the route's `preset`, or write `watch`");
    }
  } else if (policy.inspect == Inspect::watch && (policy.frame_bytes != 0 || policy.message_bytes != 0)) {
    findings.add("inspect",
                 "`watch` ends no WebSocket: leave out `maxFrame` and `maxMessage`, or write `enforce`");
  }
}

void check_proxy(const ProxyAction& proxy, const Route& route, const Known& known, Findings& findings) {
  if (!proxy.upstream.empty() && !known.upstream_set.contains(proxy.upstream)) {
    findings.add("upstream", "there is no upstream " + quote(proxy.upstream) +
                                 suggestion(proxy.upstream, known.upstreams));
  }
  if (proxy.replace_prefix) {
    const std::string field = proxy.replace_prefix->empty() ? "stripPrefix" : "replacePrefix";
    if (route.path.kind == PathKind::regex) {
      findings.add(field, "has a meaning only for a prefix or an exact path, and this route has a regex");
    }
    if (!proxy.replace_prefix->empty()) {
      if (auto fault = path_fault(*proxy.replace_prefix)) findings.add(field, std::move(*fault));
    }
  }
  if (proxy.host == HostPolicy::replace) {
    if (proxy.host_value.empty())
      findings.add("host", "is empty: write `preserve`, `upstream` or a host name");
    if (auto fault = template_fault(proxy.host_value)) findings.add("host", std::move(*fault));
  }
  check_upgrade(proxy.upgrade, findings);
  check_websocket(proxy.websocket, findings.below("webSocket"));
  if (proxy.origins) check_origins(*proxy.origins, findings.below("origins"));
  check_header_rules(proxy.request_headers, HeaderSide::request, findings.below("requestHeaders"));
}

void check_redirect(const RedirectAction& redirect, Findings& findings) {
  static constexpr std::array statuses{301, 302, 303, 307, 308};
  if (std::find(statuses.begin(), statuses.end(), redirect.status) == statuses.end()) {
    findings.add("redirect.status",
                 "a redirect is 301, 302, 303, 307 or 308, found `" + std::to_string(redirect.status) + "`");
  }
  const std::string& to = redirect.location;
  if (to.empty()) return;
  if (auto fault = template_fault(to)) {
    findings.add("redirect.to", std::move(*fault));
  } else if (to.find(' ') != std::string::npos) {
    findings.add("redirect.to", "a location has no spaces: write `%20`");
  } else if (!to.starts_with('/') && !to.starts_with('$') && to.find("://") == std::string::npos) {
    findings.add("redirect.to",
                 "a location begins with `/` or with a scheme such as `https://`, found " + quote(to));
  }
}

void check_respond(const RespondAction& respond, Findings& findings) {
  if (respond.status < 200 || respond.status > 599) {
    findings.add("respond.status", "must be from 200 to 599, found `" + std::to_string(respond.status) + "`");
  }
  const bool bodiless = respond.status == 204 || respond.status == 205 || respond.status == 304;
  if (bodiless && !respond.body.empty()) {
    findings.add("respond.body", "a response with status " + std::to_string(respond.status) +
                                     " has no body (RFC 9110 15): remove it or change the status");
  }
  if (respond.content_type.find('/') == std::string::npos || !is_field_value(respond.content_type)) {
    findings.add("respond.contentType",
                 "expected a media type such as `text/plain`, found " + quote(respond.content_type));
  }
}

void check_action(const Route& route, const Known& known, Findings& findings) {
  if (const auto* proxy = std::get_if<ProxyAction>(&route.action)) {
    check_proxy(*proxy, route, known, findings);
  } else if (const auto* redirect = std::get_if<RedirectAction>(&route.action)) {
    check_redirect(*redirect, findings);
  } else {
    check_respond(std::get<RespondAction>(route.action), findings);
  }
  check_header_rules(route.response_headers, HeaderSide::response, findings.below("responseHeaders"));
}

// === routes against each other ===

// Which listeners have a route for one host and path already, and which route that is.
struct Taken {
  std::unordered_map<std::string, std::size_t> by_listener;
  std::optional<std::size_t> by_all;  // by a route of all listeners
  std::optional<std::size_t> by_any;  // by the first route at all

  // The route that leaves this one nothing: one that has each of its listeners is enough, or several
  // together.
  [[nodiscard]] std::optional<std::size_t> find(const Route& route, std::size_t listeners) const {
    if (by_all) return by_all;
    if (route.listeners.empty()) return by_listener.size() >= listeners ? by_any : std::nullopt;
    std::optional<std::size_t> last;
    for (const auto& listener : route.listeners) {
      const auto found = by_listener.find(listener);
      if (found == by_listener.end()) return std::nullopt;
      last = found->second;
    }
    return last;
  }

  void add(const Route& route, std::size_t index) {
    if (!by_any) by_any = index;
    if (route.listeners.empty()) by_all = index;
    for (const auto& listener : route.listeners) by_listener.emplace(listener, index);
  }
};

class RouteTable {
 public:
  RouteTable(const std::vector<Route>& routes, std::size_t listeners)
      : routes_(routes), listeners_(listeners) {}

  // Two routes of equal conditions: the second can never be reached.
  void add(std::size_t index, Findings& findings) {
    const Route& route = routes_[index];
    static const std::vector<std::string> any_host{""};
    const auto& hosts = route.hosts.empty() ? any_host : route.hosts;
    for (const auto& host : hosts) {
      const std::string key =
          host + " " + std::to_string(static_cast<int>(route.path.kind)) + route.path.value;
      Taken& taken = taken_[key];
      const auto earlier = taken.find(route, listeners_);
      if (earlier && *earlier != index) {
        report(*earlier, host, route, findings);
        return;
      }
      if (earlier) findings.add("hosts", quote(host) + " is here twice");
      taken.add(route, index);
    }
  }

 private:
  void report(std::size_t earlier, const std::string& host, const Route& route, Findings& findings) const {
    const Place& place = routes_[earlier].place;
    const std::string what =
        host.empty() ? quote(route.path.value) : quote(route.path.value) + " of " + quote(host);
    std::string message = what + " is never reached: " + route_path(earlier);
    if (place.line > 0) message += " (line " + std::to_string(place.line) + ")";
    findings.add({},
                 message + " has the same host and path and comes first; remove or change one of the two");
  }

  const std::vector<Route>& routes_;
  std::size_t listeners_;
  std::unordered_map<std::string, Taken> taken_;
};

void check_route_listeners(const Route& route, const Known& known, Findings& findings) {
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < route.listeners.size(); ++i) {
    const std::string& address = route.listeners[i];
    const auto& names = known.listeners;
    if (std::find(names.begin(), names.end(), address) == names.end()) {
      findings.add("listeners", "there is no listener " + quote(address) + suggestion(address, names));
      return;
    }
    if (!seen.insert(address).second) findings.add("listeners", quote(address) + " is here twice");
  }
}

}  // namespace

void check_routes(const Config& config, ConfigErrors& errors) {
  const auto& routes = config.routes;
  if (routes.empty()) {
    const bool several = config.upstreams.size() > 1;
    errors.push_back({{},
                      "routes",
                      config.upstreams.empty()
                          ? "there is nothing to serve: write an upstream, or a route that answers itself"
                      : several
                          ? "there is no route: write which requests go to which upstream"
                          : "there is no route: leave `routes` out to send every request to the upstream"});
  }
  Known known;
  for (const auto& listener : config.listeners) known.listeners.push_back(listener.address.text());
  for (const auto& upstream : config.upstreams) known.upstreams.push_back(upstream.name);
  known.upstream_set.insert(known.upstreams.begin(), known.upstreams.end());
  RouteTable table(routes, config.listeners.size());
  for (std::size_t i = 0; i < routes.size() && errors.size() < FaultList::most; ++i) {
    Findings findings(errors, routes[i].place, route_path(i));
    check_route_listeners(routes[i], known, findings);
    check_path(routes[i].path, findings);
    check_action(routes[i], known, findings);
    check_access(routes[i].access, findings.below("access"));
    if (routes[i].basic_auth) check_basic_auth(*routes[i].basic_auth, findings.below("basicAuth"));
    table.add(i, findings);
  }
}

}  // namespace tidegate::conf
