#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

#include <arpa/inet.h>

#include "conf/checks.hpp"
#include "conf/spelling.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

constexpr std::size_t most_limits = 256;
constexpr std::size_t most_sources = 256;
constexpr std::chrono::minutes longest_delay{5};
constexpr std::chrono::hours longest_debt{30 * 24};

// 0: not an IP address.
int family_of(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  if (text.find('\0') != std::string::npos) return 0;
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return AF_INET;
  return ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1 ? AF_INET6 : 0;
}

void check_rate(const RateLimit& limit, Findings findings) {
  if (!limit.limits()) return;
  if (limit.delay > limit.burst) {
    findings.add("delay", "is the part of `burst` (" + std::to_string(limit.burst) +
                              ") that goes at once and cannot be larger, found `" +
                              std::to_string(limit.delay) + "`");
    return;
  }
  if (limit.burst > longest_debt / limit.interval) {
    findings.add("burst", "a burst that the rate needs more than 30 days for is no limit: lower it");
    return;
  }
  const auto wait = (limit.burst - limit.delay) * limit.interval;
  if (limit.no_delay || wait <= longest_delay) return;
  findings.add("burst", "the last of the burst would be delayed for " +
                            duration_text(std::chrono::duration_cast<Duration>(wait)) +
                            ", at most 5m are possible: lower it, raise `delay` or write `noDelay: true`");
}

void check_limit(const ClientLimit& limit, ConfigErrors& errors) {
  Findings findings(errors, limit.place, "limits." + limit.name);
  const bool anything =
      limit.requests.limits() || limit.handshakes.limits() || limit.connections > 0 || limit.websockets > 0;
  if (!anything) {
    findings.add({}, "limits nothing: write `requests`, `handshakes`, `connections` or `webSockets`");
  }
  const auto in_range = [&](std::string_view field, int value, int most) {
    if (value < 1 || value > most) findings.add(field, "must be from 1 to " + std::to_string(most));
  };
  in_range("ipv4Prefix", limit.ipv4_prefix, 32);
  in_range("ipv6Prefix", limit.ipv6_prefix, 128);
  check_rate(limit.requests, findings.below("requests"));
  check_rate(limit.handshakes, findings.below("handshakes"));
}

// Which limits there are, and which of them listeners have named.
struct KnownLimits {
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> of_listeners;

  [[nodiscard]] bool has(const std::string& name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
};

void check_names(const std::vector<std::string>& used, const KnownLimits& known, Findings& findings) {
  if (used.size() > most_limits_at_once) {
    findings.add("limits", "at most " + std::to_string(most_limits_at_once) + " limits hold at one place");
    return;
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    const std::string item = "limits[" + std::to_string(i) + "]";
    if (!known.has(used[i])) {
      std::string message = "there is no limit " + quote(used[i]);
      const std::vector<std::string_view> names(known.names.begin(), known.names.end());
      if (const auto near = nearest(used[i], names)) message += "; did you mean " + quote(*near) + "?";
      findings.add(item, message);
    }
    if (std::find(used.begin(), used.begin() + static_cast<std::ptrdiff_t>(i), used[i]) !=
        used.begin() + static_cast<std::ptrdiff_t>(i)) {
      findings.add(item, quote(used[i]) + " is here twice");
    }
  }
}

}  // namespace

void check_limits(const Config& config, ConfigErrors& errors) {
  constexpr std::uint64_t least_buffers = 16 * 1024;
  if (config.buffer_memory != 0 && config.buffer_memory < least_buffers) {
    errors.push_back({{}, "bufferMemory", "is too little for a single request: write at least `16k`, or 0"});
  }
  if (config.limits.size() > most_limits) {
    errors.push_back({{}, "limits", "there are more than " + std::to_string(most_limits) + " limits"});
    return;
  }
  KnownLimits known;
  for (const auto& limit : config.limits) {
    if (known.has(limit.name))
      errors.push_back({limit.place, "limits." + limit.name, "this name is given to two limits"});
    known.names.push_back(limit.name);
    check_limit(limit, errors);
  }
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    if (listener.optional_family) continue;
    Findings findings(errors, listener.place, "listeners[" + std::to_string(i) + "]");
    check_names(listener.limit_names, known, findings);
    for (const auto& name : listener.limit_names) known.of_listeners.emplace(name, i);
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    Findings findings(errors, config.routes[i].place, "routes[" + std::to_string(i) + "]");
    check_names(config.routes[i].limit_names, known, findings);
    for (const auto& name : config.routes[i].limit_names) {
      const auto listener = known.of_listeners.find(name);
      if (listener == known.of_listeners.end()) continue;
      findings.add("limits", quote(name) + " is named by listeners[" + std::to_string(listener->second) +
                                 "] too and would count twice: give the route a limit of its own");
    }
  }
}

void check_source_addresses(const Upstream& upstream, Findings findings) {
  const auto& sources = upstream.source_addresses;
  if (sources.size() > most_sources) {
    findings.add("sourceAddresses", "there are more than " + std::to_string(most_sources) + " addresses");
    return;
  }
  std::vector<int> families;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string item = "sourceAddresses[" + std::to_string(i) + "]";
    families.push_back(family_of(sources[i]));
    if (families.back() == 0)
      findings.add(item,
                   "expected an IP address without port, such as `10.0.0.2`, found " + quote(sources[i]));
    if (std::find(sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(i), sources[i]) !=
        sources.begin() + static_cast<std::ptrdiff_t>(i)) {
      findings.add(item, quote(sources[i]) + " is here twice");
    }
  }
  // Of what could not be read nobody knows the family.
  if (sources.empty() || std::find(families.begin(), families.end(), 0) != families.end()) return;
  for (const auto& endpoint : upstream.endpoints) {
    const int family = family_of(endpoint.address.host);
    if (family == 0 || std::find(families.begin(), families.end(), family) != families.end()) continue;
    findings.add("sourceAddresses", "none of them is of the family of the endpoint " +
                                        quote(endpoint.address.text()) +
                                        ": add one, or it cannot be reached");
  }
}

}  // namespace tidegate::conf
