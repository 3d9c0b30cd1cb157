#include "conf/endpoint_list.hpp"

#include "conf/addresses.hpp"
#include "conf/checks.hpp"
#include "conf/describe.hpp"
#include "conf/units.hpp"
#include "conf/yaml_fields.hpp"
#include "conf/yaml_tree.hpp"

namespace tidegate::conf {

namespace {

// A list stands for a map that has it.
YamlValue as_map(const YamlValue& root) {
  if (root.kind == YamlValue::Kind::map) return root;
  YamlValue map;
  map.kind = YamlValue::Kind::map;
  map.line = root.line;
  map.column = root.column;
  map.entries.push_back({"endpoints", root.line, root.column, &root});
  return map;
}

void refuse_names(const std::vector<Endpoint>& endpoints, ConfigErrors& errors) {
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto& address = endpoints[i].address;
    if (address.is_unix() || address == Address{} || is_ip_address(address.host)) continue;
    errors.push_back(
        {endpoints[i].place, "endpoints[" + std::to_string(i) + "]",
         quote(address.host) + " is a name: write the IP address, or let `dns` follow the name"});
  }
}

}  // namespace

EndpointListResult read_endpoint_list(std::string_view text, const std::string& file) {
  FaultList faults(file);
  const auto tree = YamlTree::parse(text, faults);
  const YamlValue* root = tree.root();
  if (!faults.errors().empty()) return faults.errors();
  if (root == nullptr || (root->kind != YamlValue::Kind::map && root->kind != YamlValue::Kind::sequence)) {
    const std::string found = root == nullptr ? "nothing" : root->shape();
    faults.add(1, 1, {}, "expected a list of endpoints, or a map with `endpoints`, found " + found);
    return faults.errors();
  }
  const auto map = as_map(*root);
  std::vector<Endpoint> endpoints;
  YamlFields fields(map, {}, faults);
  describe_endpoints(fields, endpoints);
  fields.require("endpoints");
  fields.finish();
  ConfigErrors errors = faults.errors();
  if (!errors.empty()) return errors;
  check_endpoints(endpoints, errors, {});
  refuse_names(endpoints, errors);
  if (!errors.empty()) return errors;
  return endpoints;
}

}  // namespace tidegate::conf
