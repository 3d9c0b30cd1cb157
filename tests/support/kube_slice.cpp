#include "tests/support/kube_slice.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace tidegate::test {
namespace {

namespace json = boost::json;

json::object json_of(const KubePort& port) {
  json::object out{{"name", port.name}, {"protocol", port.protocol}};
  if (port.port) out["port"] = *port.port;
  return out;
}

void set(json::object& conditions, const char* name, std::optional<bool> value) {
  if (value) conditions[name] = *value;
}

json::object json_of(const KubeEndpoint& endpoint, const std::string& name_space) {
  json::object conditions;
  set(conditions, "ready", endpoint.ready);
  set(conditions, "serving", endpoint.serving);
  set(conditions, "terminating", endpoint.terminating);
  json::object out{{"addresses", json::array{endpoint.address}}, {"conditions", std::move(conditions)}};
  if (!endpoint.pod.empty()) {
    out["targetRef"] = json::object{{"kind", "Pod"},
                                    {"name", endpoint.pod},
                                    {"namespace", name_space},
                                    {"uid", endpoint.uid.empty() ? endpoint.pod : endpoint.uid}};
  }
  if (!endpoint.zone.empty()) out["zone"] = endpoint.zone;
  if (!endpoint.hinted_zones.empty()) {
    json::array zones;
    for (const auto& zone : endpoint.hinted_zones) zones.push_back(json::object{{"name", zone}});
    out["hints"] = json::object{{"forZones", std::move(zones)}};
  }
  return out;
}

}  // namespace

json::object json_of(const KubeSlice& slice, std::uint64_t version) {
  json::object labels{{"kubernetes.io/service-name", slice.service},
                      {"endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"}};
  json::array ports;
  for (const auto& port : slice.ports) ports.push_back(json_of(port));
  json::array endpoints;
  for (const auto& endpoint : slice.endpoints) endpoints.push_back(json_of(endpoint, slice.name_space));
  // As of a real server: null where there are none.
  json::object out{{"kind", "EndpointSlice"},
                   {"apiVersion", "discovery.k8s.io/v1"},
                   {"metadata", json::object{{"name", slice.name},
                                             {"namespace", slice.name_space},
                                             {"resourceVersion", std::to_string(version)},
                                             {"labels", std::move(labels)}}},
                   {"addressType", slice.address_type},
                   {"endpoints", nullptr},
                   {"ports", nullptr}};
  if (!endpoints.empty()) out["endpoints"] = std::move(endpoints);
  if (!ports.empty()) out["ports"] = std::move(ports);
  return out;
}

std::string status_json(int code, const std::string& message) {
  return json::serialize(json::object{
      {"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"}, {"message", message}, {"code", code}});
}

}  // namespace tidegate::test
