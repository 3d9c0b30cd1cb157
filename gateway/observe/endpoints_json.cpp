#include "gateway/observe/endpoints_json.hpp"

#include <algorithm>
#include <tuple>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/observe/timestamp.hpp"
#include "upstream/registry.hpp"

namespace tidegate::gateway {

namespace {

boost::json::object to_json(const upstream::EndpointReport& endpoint) {
  std::string since;
  append_rfc3339(since, endpoint.last.wall_time);
  return {
      {"cluster", endpoint.cluster},
      {"id", endpoint.id},
      {"name", endpoint.name},
      {"address", endpoint.address},
      {"weight", endpoint.weight},
      {"state", name_of(endpoint.state)},
      {"cause", endpoint.last.cause},
      {"since", since},
      {"active", endpoint.active},
      {"transitions", endpoint.transitions},
      {"takesNewSockets", endpoint.sockets.open()},
      {"newSocketsCause", endpoint.sockets.objections()},
  };
}

}  // namespace

std::string endpoints_json(std::vector<upstream::EndpointReport> endpoints) {
  std::sort(endpoints.begin(), endpoints.end(), [](const auto& a, const auto& b) {
    return std::tie(a.cluster, a.name, a.id) < std::tie(b.cluster, b.name, b.id);
  });
  boost::json::array rows;
  for (const auto& endpoint : endpoints) rows.push_back(to_json(endpoint));
  return boost::json::serialize(boost::json::object{{"endpoints", std::move(rows)}}) + "\n";
}

}  // namespace tidegate::gateway
