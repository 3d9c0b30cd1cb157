#include "gateway/process/config_diff.hpp"

#include <algorithm>

namespace tidegate::gateway {
namespace {

constexpr std::size_t kMostNamed = 5;

std::string name_of(const conf::Listener& listener) {
  return listener.address.text();
}
std::string name_of(const conf::Route& route) {
  return route.name;
}
std::string name_of(const conf::Upstream& upstream) {
  return upstream.name;
}
std::string name_of(const conf::ClientLimit& limit) {
  return limit.name;
}

// By index into `after`: the first of the same name before that no other has taken.
template <class T>
std::vector<std::optional<std::size_t>> match(const std::vector<T>& before, const std::vector<T>& after) {
  std::vector<bool> taken(before.size());
  std::vector<std::optional<std::size_t>> found(after.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    for (std::size_t j = 0; j < before.size() && !found[i]; ++j) {
      if (taken[j] || name_of(before[j]) != name_of(after[i])) continue;
      taken[j] = true;
      found[i] = j;
    }
  }
  return found;
}

template <class T>
Changes changes(const std::vector<T>& before, const std::vector<T>& after,
                const std::vector<std::optional<std::size_t>>& matched) {
  Changes changes;
  std::vector<bool> stays(before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (!matched[i]) {
      changes.added.push_back(name_of(after[i]));
      continue;
    }
    stays[*matched[i]] = true;
    if (!(before[*matched[i]] == after[i])) changes.changed.push_back(name_of(after[i]));
  }
  for (std::size_t j = 0; j < before.size(); ++j) {
    if (!stays[j]) changes.removed.push_back(name_of(before[j]));
  }
  return changes;
}

template <class T>
Changes changes(const std::vector<T>& before, const std::vector<T>& after) {
  return changes(before, after, match(before, after));
}

void append(std::string& text, const std::vector<std::string>& names, std::string_view what) {
  if (names.empty()) return;
  if (!text.empty()) text += ", ";
  text.append(std::to_string(names.size())).append(" ").append(what).append(" (");
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) {
    text.append(i == 0 ? "" : ", ").append(names[i]);
  }
  text.append(names.size() > kMostNamed ? ", ...)" : ")");
}

void append(std::string& text, const Changes& changes, std::string_view kind) {
  if (changes.empty()) return;
  std::string all;
  append(all, changes.added, "added");
  append(all, changes.removed, "removed");
  append(all, changes.changed, "changed");
  text.append(text.empty() ? "" : "; ").append(kind).append(": ").append(all);
}

bool same_process(const conf::Config& a, const conf::Config& b) {
  return a.admin == b.admin && a.access_log == b.access_log && a.error_log == b.error_log &&
         a.shutdown == b.shutdown && a.watch == b.watch && a.workers == b.workers &&
         a.connections_per_worker == b.connections_per_worker && a.buffer_memory == b.buffer_memory &&
         a.acme_challenges == b.acme_challenges && a.ticket_keys == b.ticket_keys &&
         a.trusted_proxies == b.trusted_proxies && a.client_address == b.client_address;
}

}  // namespace

ConfigDiff compare(const conf::Config& before, const conf::Config& after) {
  ConfigDiff diff;
  diff.listeners_before = match(before.listeners, after.listeners);
  diff.listeners = changes(before.listeners, after.listeners, diff.listeners_before);
  diff.routes = changes(before.routes, after.routes);
  diff.upstreams = changes(before.upstreams, after.upstreams);
  diff.limits = changes(before.limits, after.limits);
  diff.process = !same_process(before, after);
  return diff;
}

std::string describe(const ConfigDiff& diff) {
  std::string text;
  append(text, diff.listeners, "listeners");
  append(text, diff.routes, "routes");
  append(text, diff.upstreams, "upstreams");
  append(text, diff.limits, "limits");
  if (diff.process) text.append(text.empty() ? "" : "; ").append("settings of the process changed");
  return text.empty() ? "nothing has changed" : text;
}

bool keeps_connections(const conf::Listener& before, const conf::Listener& after) {
  if (before.tls.has_value() != after.tls.has_value()) return false;
  if (before.tls && !(before.tls->clients == after.tls->clients && before.tls->hosts == after.tls->hosts))
    return false;
  return before.proxy_protocol == after.proxy_protocol && before.access == after.access &&
         before.redirect_to_tls == after.redirect_to_tls;
}

bool keeps_pool(const conf::Upstream& before, const conf::Upstream& after) {
  return before.tls == after.tls && before.proxy_protocol == after.proxy_protocol &&
         before.source_addresses == after.source_addresses;
}

}  // namespace tidegate::gateway
