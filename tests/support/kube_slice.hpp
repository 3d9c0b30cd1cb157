// An EndpointSlice as a test or a tool describes it, and its JSON as an API server gives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace tidegate::test {

struct KubePort {
  std::string name;
  std::optional<std::uint16_t> port = {};
  std::string protocol = "TCP";
};

struct KubeEndpoint {
  std::string address;
  std::optional<bool> ready = true;
  std::optional<bool> serving = {};
  std::optional<bool> terminating = {};
  std::string pod = {};  // empty: no targetRef
  std::string uid = {};  // empty: the pod's name
  std::string zone = {};
  std::vector<std::string> hinted_zones = {};
};

struct KubeSlice {
  std::string name;
  std::string service;
  std::vector<KubePort> ports;
  std::vector<KubeEndpoint> endpoints;
  std::string name_space = "default";
  std::string address_type = "IPv4";
};

[[nodiscard]] boost::json::object json_of(const KubeSlice& slice, std::uint64_t version);
// A Status, which a server refuses with.
[[nodiscard]] std::string status_json(int code, const std::string& message);

}  // namespace tidegate::test
