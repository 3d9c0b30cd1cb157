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

boost::json::object to_json(const SourceReport& source) {
  return {
      {"cluster", source.upstream}, {"source", source.source},          {"spoken", source.spoken},
      {"fault", source.fault},      {"ageSeconds", source.age_seconds}, {"stale", source.stale},
  };
}

}  // namespace

std::string endpoints_json(std::vector<upstream::EndpointReport> endpoints,
                           const std::vector<SourceReport>& sources) {
  std::sort(endpoints.begin(), endpoints.end(), [](const auto& a, const auto& b) {
    return std::tie(a.cluster, a.name, a.id) < std::tie(b.cluster, b.name, b.id);
  });
  boost::json::array rows;
  for (const auto& endpoint : endpoints) rows.push_back(to_json(endpoint));
  boost::json::array asked;
  for (const auto& source : sources) asked.push_back(to_json(source));
  return boost::json::serialize(
             boost::json::object{{"endpoints", std::move(rows)}, {"sources", std::move(asked)}}) +
         "\n";
}

}  // namespace tidegate::gateway
