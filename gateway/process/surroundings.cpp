#include "gateway/process/surroundings.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/units.hpp"
#include "gateway/process/idle_keys.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {
namespace {

// === source addresses ===

// 0, or why nothing can be bound to this address, whose port is 0. A port is not taken: another process may
// have all of them, as one that drains beside its successor may, and they are its own affair.
int bind_error(const net::SocketAddress& address) {
  const net::UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(socket.get(), address.data(), address.size()) == 0 || errno == EADDRINUSE) return 0;
  return errno;
}

std::string explain_bind(int error) {
  if (error == EADDRNOTAVAIL)
    return "is no address of this machine, so that no connection can come from it: give it to an interface "
           "(`ip address add`), or remove it";
  return std::string("no connection can come from it: ") + std::strerror(error);
}

// An endpoint of this family, or one of which it is not known.
bool may_have_family(const conf::Upstream& upstream, int family) {
  return std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(), [&](const auto& endpoint) {
    if (endpoint.address.is_unix()) return false;
    const auto address = net::SocketAddress::from_ip(endpoint.address.host, 0);
    return !address || address->family() == family;
  });
}

// One that works is enough to start with: connections come from those that do.
void look_at_sources(const conf::Config& config, const conf::Upstream& upstream, Surroundings& found) {
  conf::ConfigErrors unusable;
  std::size_t usable = 0;
  for (std::size_t i = 0; i < upstream.source_addresses.size(); ++i) {
    const auto& text = upstream.source_addresses[i];
    const auto address = net::SocketAddress::from_ip(text, 0);
    if (!address) continue;
    const auto path = "upstreams." + upstream.name + ".sourceAddresses[" + std::to_string(i) + "]";
    const auto place = config.place_of(path, upstream.place);
    if (const int error = bind_error(*address); error != 0) {
      unusable.push_back({place, path, conf::quote(text) + " " + explain_bind(error)});
    } else if (may_have_family(upstream, address->family())) {
      ++usable;
    }
    if (may_have_family(upstream, address->family())) continue;
    const std::string family = address->family() == AF_INET6 ? "IPv6" : "IPv4";
    found.doubtful.push_back({place, path,
                              conf::quote(text) + " is never used: no endpoint of " +
                                  conf::quote(upstream.name) + " has an " + family +
                                  " address: remove it, or add such an endpoint"});
  }
  auto& into = usable == 0 ? found.lacking : found.doubtful;
  into.insert(into.end(), unusable.begin(), unusable.end());
}

// === listeners ===

void look_at_listeners(const conf::Config& config, Surroundings& found) {
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    if (listener.address.is_unix() || listener.optional_family) continue;
    const auto address = net::SocketAddress::from_ip(listener.address.host, 0);
    if (!address || bind_error(*address) != EADDRNOTAVAIL) continue;
    const auto [path, place] = listener_key(config, i);
    found.lacking.push_back(
        {place, path,
         "cannot listen on " + listener.address.text() + ": no interface of this machine has that address"});
  }
}

// === files ===

bool may(const std::string& path, int what) {
  return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
}

// Empty if lines can be written there.
std::string log_fault(const std::string& path) {
  if (path == "stdout" || path == "stderr") return {};
  if (may(path, W_OK)) {
    struct stat about {};
    const bool folder = ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
    return folder ? "is a directory: write the name of a file in it" : "";
  }
  constexpr const char* whose = "; the user that tidegate runs as needs to write there";
  if (errno != ENOENT)
    return std::string("cannot be written: ") + std::strerror(errno) + (errno == EACCES ? whose : "");
  auto folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  if (may(folder, W_OK | X_OK)) return {};
  if (errno == ENOENT) return "its directory " + folder + " does not exist: create it, or choose another";
  return "cannot be made in " + folder + ": " + std::strerror(errno) + (errno == EACCES ? whose : "");
}

// `log.access` may be a file name itself.
void look_at_log(const conf::Config& config, const std::string& key, const std::string& file,
                 Surroundings& found) {
  const auto fault = log_fault(file);
  if (fault.empty()) return;
  const auto path = config.is_written(key + ".path") ? key + ".path" : key;
  found.lacking.push_back({config.place_of(path), path, file + ": " + fault});
}

void look_at_challenges(const conf::Config& config, Surroundings& found) {
  const auto& folder = config.acme_challenges;
  if (folder.empty()) return;
  struct stat about {};
  std::string fault;
  if (::stat(folder.c_str(), &about) != 0) {
    fault = errno == ENOENT ? "does not exist: create it"
                            : std::string("cannot be used: ") + std::strerror(errno);
  } else if (!S_ISDIR(about.st_mode)) {
    fault = "is no directory: name the webroot of the ACME client";
  } else if (!may(folder, X_OK)) {
    fault = std::string("cannot be entered: ") + std::strerror(errno) +
            "; the user that tidegate runs as needs to";
  }
  if (fault.empty()) return;
  found.doubtful.push_back({config.place_of("acmeChallenges"), "acmeChallenges",
                            folder + ": " + fault + "; until then every challenge gets 404"});
}

void look_at_state(const conf::Config& config, Surroundings& found) {
  const auto& folder = config.state_directory;
  if (folder.empty()) return;
  struct stat about {};
  std::string why;
  if (::stat(folder.c_str(), &about) == 0 && !S_ISDIR(about.st_mode)) {
    why = "is not a directory: name one";
  } else if (may(folder, W_OK | X_OK)) {
    return;
  } else {
    why = errno == ENOENT ? "does not exist: create it"
                          : std::string("cannot be written: ") + std::strerror(errno);
  }
  found.doubtful.push_back({config.place_of("stateDirectory"), "stateDirectory",
                            folder + ": " + why + "; until then nothing outlives a restart"});
}

// A source of endpoints that has nothing to read here; it is asked again and again.
void look_at_discovery(const conf::Config& config, const conf::Upstream& upstream, Surroundings& found) {
  const auto key = "upstreams." + upstream.name;
  const auto tell = [&](const std::string& path, const std::string& why) {
    found.doubtful.push_back(
        {config.place_of(path, upstream.place), path, why + "; until then there are no endpoints from it"});
  };
  const auto look_at_file = [&](const std::string& path, const std::string& file) {
    if (!may(file, R_OK)) tell(path, file + ": cannot be read: " + std::strerror(errno));
  };
  if (const auto* const list = std::get_if<conf::FileSource>(&upstream.discovery))
    return look_at_file(key + ".file", list->path);
  const auto* const kubernetes = std::get_if<conf::KubernetesSource>(&upstream.discovery);
  if (kubernetes == nullptr) return;
  if (!kubernetes->kubeconfig.empty())
    return look_at_file(key + ".kubernetes.kubeconfig", kubernetes->kubeconfig);
  if (std::getenv("KUBERNETES_SERVICE_HOST") == nullptr)
    tell(key + ".kubernetes", "this is no pod of Kubernetes; from outside, name a `kubeconfig`");
}

}  // namespace

ListenerKey listener_key(const conf::Config& config, std::size_t listener) {
  const auto& listeners = config.listeners;
  // The other half of `:80` is written where its first half is.
  if (const auto& place = listeners[listener].place; listeners[listener].optional_family) {
    const auto first = std::find_if(listeners.begin(), listeners.end(), [&place](const auto& one) {
      return one.place.line == place.line && one.place.column == place.column;
    });
    listener = static_cast<std::size_t>(first - listeners.begin());
  }
  const auto item = "listeners[" + std::to_string(listener) + "]";
  const auto path = config.is_written(item + ".address") ? item + ".address" : item;
  return {path, config.place_of(path, config.listeners[listener].place)};
}

Surroundings look_around(const conf::Config& config) {
  Surroundings found;
  look_at_listeners(config, found);
  for (const auto& upstream : config.upstreams) look_at_sources(config, upstream, found);
  for (const auto& upstream : config.upstreams) look_at_discovery(config, upstream, found);
  if (config.access_log.enabled) look_at_log(config, "log.access", config.access_log.path, found);
  look_at_log(config, "log.error", config.error_log.path, found);
  look_at_challenges(config, found);
  look_at_state(config, found);
  const auto idle = idle_keys(config);
  found.doubtful.insert(found.doubtful.end(), idle.begin(), idle.end());
  return found;
}

}  // namespace tidegate::gateway
