// Where the endpoints of an upstream come from when they are not listed, as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tidegate::conf {

// The addresses of a name, or the targets of its SRV records (RFC 2782).
struct DnsSource {
  std::string name;        // as written; one that is not absolute is completed by the search list
  std::uint16_t port = 0;  // of the addresses; SRV records bring their own
  bool srv = false;
  bool operator==(const DnsSource&) const = default;
};

// The EndpointSlices (discovery.k8s.io/v1) of a Service, from the API server.
struct KubernetesSource {
  std::string name_space;  // empty: the one that the service account or the kubeconfig's context is of
  std::string service;
  std::string port_name;   // of the slices' ports
  std::uint16_t port = 0;  // likewise, by number; neither: the only one
  std::string kubeconfig;  // a file; empty: the service account of the pod that this runs in
  std::string zone;        // whose endpoints are preferred; empty: none
  bool operator==(const KubernetesSource&) const = default;
};

// A list of endpoints that another system writes: YAML or JSON.
struct FileSource {
  std::string path;
  bool operator==(const FileSource&) const = default;
};

using DiscoverySource = std::variant<std::monostate, DnsSource, KubernetesSource, FileSource>;

enum class AddressFamily : std::uint8_t { any, ipv4, ipv6 };

// How names are resolved, for the whole process.
struct Resolver {
  std::vector<std::string>
      servers;  // IP addresses, with a port where it is not 53; empty: of /etc/resolv.conf
  std::optional<std::vector<std::string>> search;  // domains; none: of /etc/resolv.conf
  std::optional<int> ndots;                        // none: of /etc/resolv.conf
  std::chrono::milliseconds timeout{2'000};        // for one server's answer
  int tries = 2;                                   // of each server
  // Bounds of the time for which an answer is taken to be true.
  std::chrono::milliseconds min_ttl{1'000};
  std::chrono::milliseconds max_ttl{300'000};
  AddressFamily family = AddressFamily::any;
  bool operator==(const Resolver&) const = default;
};

}  // namespace tidegate::conf
