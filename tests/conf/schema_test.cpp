#include "conf/schema.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "tests/conf/reading.hpp"

using namespace tidegate::conf;
namespace json = boost::json;

namespace {

const json::value& schema() {
  static const json::value parsed = json::parse(json_schema());
  return parsed;
}

std::set<std::string> property_names(std::string_view pointer) {
  std::set<std::string> out;
  for (const auto& member : schema().at_pointer(pointer).at("properties").as_object())
    out.emplace(member.key());
  return out;
}

// The keys the reader lists when it meets an unknown one in `document`.
std::set<std::string> reader_names(const std::string& document) {
  const std::string errors = errors_of(document);
  const std::string mark = "unknown key `zzzzzzzzzzzz`; known here: ";
  const std::size_t begin = errors.find(mark);
  INFO(errors);
  REQUIRE(begin != std::string::npos);
  std::istringstream list(errors.substr(begin + mark.size(), errors.find('\n', begin) - begin - mark.size()));
  std::set<std::string> out;
  for (std::string name; std::getline(list, name, ',');) out.insert(name.substr(name.find_first_not_of(' ')));
  return out;
}

// Calls `visit` for every object schema in `value`.
template <class Visit>
void for_each_object(const json::value& value, Visit&& visit) {
  if (const auto* object = value.if_object()) {
    if (object->contains("properties")) visit(*object);
    for (const auto& member : *object) for_each_object(member.value(), visit);
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) for_each_object(item, visit);
  }
}

}  // namespace

TEST_CASE("the schema and the reader know the same keys") {
  struct Row {
    std::string pointer;
    std::string document;  // with an unknown key in the object that `pointer` names
  };
  const std::string listener = "/properties/listeners/items/anyOf/1";
  const std::string route = "/properties/routes/items";
  const std::string upstream = "/properties/upstreams/additionalProperties";
  const std::string limit = "/properties/limits/additionalProperties";
  const std::string unknown = "{zzzzzzzzzzzz: 1}";
  const auto in_listener = [&](const std::string& key) {
    return "listeners: [{" + key + ": " + unknown + "}]\n";
  };
  const auto in_route = [&](const std::string& key) { return "routes: [{" + key + ": " + unknown + "}]\n"; };
  const auto in_upstream = [&](const std::string& key) {
    return "upstreams: {a: {" + key + ": " + unknown + "}}\n";
  };
  const std::string closes = upstream + "/properties/closes/anyOf/1";
  std::vector<Row> rows{
      {"", "zzzzzzzzzzzz: 1\n"},
      {listener, "listeners: [" + unknown + "]\n"},
      {listener + "/properties/requestLimits", in_listener("requestLimits")},
      {listener + "/properties/timeouts", in_listener("timeouts")},
      {listener + "/properties/tcpKeepalive", in_listener("tcpKeepalive")},
      {listener + "/properties/tls", in_listener("tls")},
      {listener + "/properties/tls/properties/certificates/items",
       "listeners: [{tls: {certificates: [" + unknown + "]}}]\n"},
      {listener + "/properties/tls/properties/ocspStaple/anyOf/2",
       "listeners: [{tls: {ocspStaple: " + unknown + "}}]\n"},
      {listener + "/properties/tls/properties/certificates/items/properties/ocspStaple/anyOf/2",
       "listeners: [{tls: {certificates: [{ocspStaple: " + unknown + "}]}}]\n"},
      {listener + "/properties/tls/properties/clientCertificates",
       "listeners: [{tls: {clientCertificates: " + unknown + "}}]\n"},
      {listener + "/properties/tls/properties/hosts/items",
       "listeners: [{tls: {hosts: [" + unknown + "]}}]\n"},
      {listener + "/properties/tls/properties/hosts/items/properties/clientCertificates",
       "listeners: [{tls: {hosts: [{clientCertificates: " + unknown + "}]}}]\n"},
      {listener + "/properties/proxyProtocol", in_listener("proxyProtocol")},
      {listener + "/properties/access/items", "listeners: [{access: [" + unknown + "]}]\n"},
      {listener + "/properties/minBodyRate", in_listener("minBodyRate")},
      {limit, "limits: {a: " + unknown + "}\n"},
      {limit + "/properties/requests/anyOf/1", "limits: {a: {requests: " + unknown + "}}\n"},
      {limit + "/properties/handshakes/anyOf/1", "limits: {a: {handshakes: " + unknown + "}}\n"},
      {route, "routes: [" + unknown + "]\n"},
      {route + "/properties/access/items", "routes: [{access: [" + unknown + "]}]\n"},
      {route + "/properties/origins/anyOf/2", in_route("origins")},
      {route + "/properties/webSocket", in_route("webSocket")},
      {route + "/properties/webSocket/properties/maxRate",
       "routes: [{webSocket: {maxRate: " + unknown + "}}]\n"},
      {route + "/properties/webSocket/properties/ping", "routes: [{webSocket: {ping: " + unknown + "}}]\n"},
      {route + "/properties/basicAuth", in_route("basicAuth")},
      {route + "/properties/path/anyOf/1", in_route("path")},
      {route + "/properties/redirect/anyOf/1", in_route("redirect")},
      {route + "/properties/respond", in_route("respond")},
      {route + "/properties/requestHeaders", in_route("requestHeaders")},
      {route + "/properties/responseHeaders", in_route("responseHeaders")},
      {upstream, "upstreams: {a: " + unknown + "}\n"},
      {upstream + "/properties/endpoints/items/anyOf/1", "upstreams: {a: {endpoints: [" + unknown + "]}}\n"},
      {upstream + "/properties/dns/anyOf/1", in_upstream("dns")},
      {upstream + "/properties/kubernetes", in_upstream("kubernetes")},
      {upstream + "/properties/balance/anyOf/1", in_upstream("balance")},
      {upstream + "/properties/balance/anyOf/1/properties/hash/anyOf/1",
       "upstreams: {a: {balance: {hash: " + unknown + "}}}\n"},
      {upstream + "/properties/balance/anyOf/1/properties/sticky",
       "upstreams: {a: {balance: {sticky: " + unknown + "}}}\n"},
      {upstream + "/properties/webSocketProbe", in_upstream("webSocketProbe")},
      {upstream + "/properties/webSocketProbe/properties/httpHeaders/items",
       "upstreams: {a: {webSocketProbe: {httpHeaders: [" + unknown + "]}}}\n"},
      {upstream + "/properties/pool", in_upstream("pool")},
      {upstream + "/properties/hold/anyOf/1", in_upstream("hold")},
      {upstream + "/properties/retry/anyOf/1", in_upstream("retry")},
      {upstream + "/properties/timeouts", in_upstream("timeouts")},
      {upstream + "/properties/tcpKeepalive", in_upstream("tcpKeepalive")},
      {upstream + "/properties/tls/anyOf/1", in_upstream("tls")},
      {upstream + "/properties/drain", in_upstream("drain")},
      {closes, in_upstream("closes")},
      {upstream + "/properties/rebalance/anyOf/1", in_upstream("rebalance")},
      {"/properties/admin/anyOf/1", "admin: " + unknown + "\n"},
      {"/properties/resolver", "resolver: " + unknown + "\n"},
      {"/properties/log", "log: " + unknown + "\n"},
      {"/properties/log/properties/access/anyOf/2", "log: {access: " + unknown + "}\n"},
      {"/properties/log/properties/error", "log: {error: " + unknown + "}\n"},
      {"/properties/shutdown", "shutdown: " + unknown + "\n"},
  };
  for (const std::string cause : {"draining", "lost", "removed", "shutdown", "rebalance", "overflow"}) {
    rows.push_back({closes + "/properties/" + cause + "/anyOf/1",
                    "upstreams: {a: {closes: {" + cause + ": " + unknown + "}}}\n"});
  }
  for (const std::string key : {"readinessProbe", "newSocketProbe"}) {
    const auto probe = upstream + "/properties/" + key;
    const auto in_probe = [&](const std::string& inner) {
      return "upstreams: {a: {" + key + ": {" + inner + "}}}\n";
    };
    rows.push_back({probe, in_upstream(key)});
    rows.push_back({probe + "/properties/httpGet", in_probe("httpGet: " + unknown)});
    rows.push_back({probe + "/properties/httpGet/properties/httpHeaders/items",
                    in_probe("httpGet: {httpHeaders: [" + unknown + "]}")});
    rows.push_back({probe + "/properties/tcpSocket", in_probe("tcpSocket: " + unknown)});
  }
  for (const auto& row : rows) {
    CAPTURE(row.pointer);
    CHECK(property_names(row.pointer) == reader_names(row.document));
  }
  std::size_t objects = 0;
  for_each_object(schema(), [&objects](const json::object&) { ++objects; });
  CHECK(objects == rows.size());  // a new object needs a row
}

TEST_CASE("every object of the schema is closed and every key described") {
  for_each_object(schema(), [](const json::object& object) {
    CHECK(object.at("additionalProperties") == json::value(false));
    for (const auto& member : object.at("properties").as_object()) {
      CAPTURE(std::string(member.key()));
      const auto* description = member.value().as_object().if_contains("description");
      REQUIRE(description != nullptr);
      CHECK(!description->as_string().empty());
    }
  });
}

TEST_CASE("the schema has the defaults of the configuration") {
  const std::string upstream = "/properties/upstreams/additionalProperties/properties";
  CHECK(schema().at_pointer(upstream + "/timeouts/properties/poolIdle/default") == "4s");
  CHECK(schema().at_pointer(upstream + "/tcpKeepalive/properties/idle/default") == "1m");
  CHECK(schema().at_pointer(upstream + "/tcpKeepalive/properties/probes/maximum") == 127);
  CHECK(schema().at_pointer(upstream + "/closes/default") == "standard");
  CHECK(schema().at_pointer(upstream + "/hold/default") == "on");
  CHECK(schema().at_pointer("/properties/admin/anyOf/1/properties/address/default") == "127.0.0.1:9901");
  CHECK(schema().at_pointer("/$schema") == "https://json-schema.org/draft/2020-12/schema");
}

TEST_CASE("schema: where a choice can be `off`, YAML's `false` says the same, as for the reader") {
  const auto& inspect =
      schema().at_pointer("/properties/routes/items/properties/webSocket/properties/inspect/enum").as_array();
  CHECK(std::find(inspect.begin(), inspect.end(), json::value(false)) != inspect.end());
}
