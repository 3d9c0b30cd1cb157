#include "gateway/process/router.hpp"

#include <algorithm>
#include <stdexcept>

#include "gateway/exchange/basic_credentials.hpp"
#include "gateway/process/limit_tables.hpp"

namespace tidegate::gateway {
namespace {

conf::Template compile(const std::string& text) {
  auto compiled = conf::Template::compile(text);
  if (!compiled) throw std::logic_error(compiled.error());
  return std::move(*compiled);
}

std::vector<FieldRule> compile_rules(const std::vector<conf::HeaderRule>& rules) {
  std::vector<FieldRule> compiled;
  compiled.reserve(rules.size());
  for (const auto& rule : rules) compiled.push_back({rule.operation, rule.name, compile(rule.value)});
  return compiled;
}

std::uint32_t upstream_index(const conf::Config& config, const std::string& name) {
  for (std::uint32_t i = 0; i < config.upstreams.size(); ++i) {
    if (config.upstreams[i].name == name) return i;
  }
  throw std::logic_error("unknown upstream " + name);
}

std::shared_ptr<PasswordFile> passwords_of(const conf::BasicAuth& basic_auth,
                                           const PasswordFilesByPath& known) {
  const auto found = known.find(basic_auth.file);
  return found != known.end() ? found->second : std::make_shared<PasswordFile>(basic_auth.file);
}

std::unique_ptr<CompiledRoute> compile_route(const conf::Config& config, const conf::Route& route,
                                             const PasswordFilesByPath& passwords) {
  auto compiled = std::make_unique<CompiledRoute>();
  compiled->name = route.name;
  compiled->path = route.path;
  compiled->access = AccessList(route.access);
  if (route.basic_auth) {
    compiled->passwords = passwords_of(*route.basic_auth, passwords);
    compiled->challenge = basic_challenge(route.basic_auth->realm);
  }
  compiled->response_rules = compile_rules(route.response_headers);
  compiled->limits = limit_numbers(config, route.limit_names);
  if (route.path.kind == conf::PathKind::regex) compiled->regex.emplace(route.path.value);
  if (const auto* proxy = std::get_if<conf::ProxyAction>(&route.action)) {
    compiled->action = ProxyRoute{upstream_index(config, proxy->upstream), *proxy, compile(proxy->host_value),
                                  compile_rules(proxy->request_headers),
                                  std::make_shared<const conf::WebSocketPolicy>(proxy->websocket)};
  } else if (const auto* redirect = std::get_if<conf::RedirectAction>(&route.action)) {
    compiled->action = RedirectRoute{redirect->status, compile(redirect->location)};
  } else {
    compiled->action = std::get<conf::RespondAction>(route.action);
  }
  return compiled;
}

}  // namespace

bool serves(const conf::Route& route, const conf::Listener& listener) {
  if (route.listeners.empty()) return true;
  const auto address = listener.address.text();
  return std::find(route.listeners.begin(), route.listeners.end(), address) != route.listeners.end();
}

bool has_path_prefix(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
}

Router::Router(const conf::Config& config, const PasswordFilesByPath& passwords) {
  for (const auto& route : config.routes) routes_.push_back(compile_route(config, route, passwords));
  for (const auto& listener : config.listeners) {
    auto& routes = listeners_.emplace_back();
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      if (serves(config.routes[i], listener)) add(routes, config.routes[i], routes_[i].get());
    }
  }
}

const CompiledRoute* Router::find(std::string_view name) const {
  for (const auto& route : routes_) {
    if (route->name == name) return route.get();
  }
  return nullptr;
}

void Router::add(ListenerRoutes& listener, const conf::Route& route, const CompiledRoute* compiled) {
  const auto place = [&](HostRoutes& host) {
    if (route.path.kind == conf::PathKind::exact) {
      host.exact.emplace(route.path.value, compiled);
    } else if (route.path.kind == conf::PathKind::regex) {
      host.regex.push_back(compiled);
    } else {
      host.prefixes.push_back(compiled);
      std::stable_sort(host.prefixes.begin(), host.prefixes.end(), [](const auto* a, const auto* b) {
        return a->path.value.size() > b->path.value.size();
      });
    }
  };
  if (route.hosts.empty()) place(listener.any);
  for (const auto& host : route.hosts) {
    if (host.starts_with("*.")) {
      place(listener.wildcard[host.substr(1)]);
    } else {
      place(listener.exact[host]);
    }
  }
}

RouteMatch Router::HostRoutes::match(std::string_view path) const {
  if (const auto found = exact.find(path); found != exact.end()) return {found->second};
  for (const auto* route : regex) {
    const auto verdict = route->regex->judge(path);
    if (verdict != PathVerdict::no_match) return {route, verdict == PathVerdict::gave_up};
  }
  for (const auto* route : prefixes) {
    if (has_path_prefix(path, route->path.value)) return {route};
  }
  return {};
}

RouteMatch Router::match(std::size_t listener, std::string_view host, std::string_view path) const {
  const auto& routes = listeners_[listener];
  if (const auto found = routes.exact.find(host); found != routes.exact.end()) {
    if (const auto match = found->second.match(path); match.route != nullptr) return match;
  }
  // The longest wildcard first: labels are cut off from the left.
  for (auto dot = host.find('.'); !routes.wildcard.empty() && dot != std::string_view::npos;
       dot = host.find('.', dot + 1)) {
    const auto found = routes.wildcard.find(host.substr(dot));
    if (found == routes.wildcard.end()) continue;
    if (const auto match = found->second.match(path); match.route != nullptr) return match;
  }
  return routes.any.match(path);
}

}  // namespace tidegate::gateway
