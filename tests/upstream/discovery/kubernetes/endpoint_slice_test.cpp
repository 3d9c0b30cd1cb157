#include "upstream/discovery/kubernetes/endpoint_slice.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/kube_slice.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using test::KubeEndpoint;

namespace {

auto read(const test::KubeSlice& slice) {
  return read_slice(boost::json::parse(boost::json::serialize(test::json_of(slice, 7))));
}

// A slice as text with one thing in the place of another.
std::string why_not(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const auto slice = read_slice(boost::json::parse(text));
  REQUIRE(slice.has_error());
  return slice.error().why;
}

}  // namespace

TEST_CASE("conditions say what an endpoint offers") {
  struct Row {
    const char* name;
    std::optional<bool> ready, serving, terminating;
    Offer expected;
    std::string_view evidence;
  };
  constexpr auto unsaid = std::nullopt;
  const Row rows[] = {
      {"nothing said is ready", unsaid, unsaid, unsaid, Offer::serving, ""},
      {"ready", true, unsaid, unsaid, Offer::serving, ""},
      {"ready and serving", true, true, false, Offer::serving, ""},
      {"not ready", false, unsaid, unsaid, Offer::not_serving, "not ready"},
      {"not serving", false, false, false, Offer::not_serving, "not serving"},
      {"serving wins over ready", false, true, false, Offer::serving, ""},
      {"published though it is not ready, and does not serve", true, false, false, Offer::not_serving,
       "not serving"},
      {"terminating, still serving", false, true, true, Offer::leaving, "terminating"},
      {"terminating, no longer serving", false, false, true, Offer::leaving, "terminating"},
      {"terminating and published as ready", true, true, true, Offer::leaving, "terminating"},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    KubeEndpoint endpoint{"10.0.0.1", row.ready, row.serving, row.terminating};
    const auto slice = read({"a", "s", {{"ws", 80}}, {endpoint}});
    REQUIRE(slice.has_value());
    CHECK(slice->endpoints.at(0).offer == row.expected);
    CHECK(slice->endpoints.at(0).evidence == row.evidence);
  }
}

TEST_CASE("a slice is read as it is") {
  KubeEndpoint endpoint{"10.0.0.1"};
  endpoint.pod = "soketi-0";
  endpoint.uid = "u0";
  endpoint.zone = "a";
  endpoint.hinted_zones = {"a", "b"};
  const auto slice = read({"soketi-x2v", "soketi", {{"ws", 6001}, {"dns", 53, "UDP"}, {"any"}}, {endpoint}});
  REQUIRE(slice.has_value());
  CHECK(slice->name == "soketi-x2v");
  CHECK(slice->type == AddressType::ipv4);
  CHECK(slice->ports == std::vector<SlicePort>{{"ws", 6001, true}, {"dns", 53, false}, {"any", {}, true}});
  const SliceEndpoint expected{"10.0.0.1", "soketi-0", "u0", "a", {"a", "b"}, Offer::serving, {}};
  CHECK(slice->endpoints == std::vector<SliceEndpoint>{expected});
}

TEST_CASE("IPv6 addresses get one spelling") {
  const auto slice = read({"a", "s", {{"", 80}}, {{"FD00:0::1"}}, "default", "IPv6"});
  REQUIRE(slice.has_value());
  CHECK(slice->endpoints.at(0).host == "fd00::1");
}

TEST_CASE("a slice without pods has null in the places of its lists") {
  const auto slice = read({"a", "s", {}, {}});
  REQUIRE(slice.has_value());
  CHECK(slice->ports.empty());
  CHECK(slice->endpoints.empty());
}

TEST_CASE("only the first address of an endpoint counts") {
  const auto slice = read_slice(boost::json::parse(
      R"({"metadata":{"name":"a"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1","nonsense"]}]})"));
  REQUIRE(slice.has_value());
  CHECK(slice->endpoints.at(0).host == "10.0.0.1");
}

TEST_CASE("what is not as the API has it is refused, with the place") {
  const std::string good =
      R"({"metadata":{"name":"a"},"addressType":"IPv4","ports":[{"name":"ws","port":80}],)"
      R"("endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true}}]})";
  REQUIRE(read_slice(boost::json::parse(good)).has_value());
  struct Row {
    const char* from;
    const char* to;
    const char* why;
  };
  const Row rows[] = {
      {"\"name\":\"a\"", "\"name\":1", "an EndpointSlice cannot be used: metadata.name is not a word"},
      {"{\"name\":\"a\"}", "{}", "an EndpointSlice cannot be used: metadata.name is not a name"},
      {"IPv4", "IPX", "EndpointSlice a cannot be used: addressType is not IPv4, IPv6 or FQDN"},
      {"IPv4", "IPv6", "endpoints.addresses[0] is not an IPv6 address"},
      {"[\"10.0.0.1\"]", "[]", "endpoints.addresses[0] is not an IPv4 address"},
      {"[\"10.0.0.1\"]", "[\"10.0.0.1:80\"]", "endpoints.addresses[0] is not an IPv4 address"},
      {"80", "65536", "ports.port is not a number from 1 to 65535"},
      {"80", "\"80\"", "ports.port is not a number from 1 to 65535"},
      {"\"ws\"", "\"w s\"", "ports.name is not a word"},
      {"true", "\"true\"", "endpoints.conditions.ready is not true or false"},
      {"[{\"name\":\"ws\",\"port\":80}]", "{}", "ports is not a list"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.from, row.to);
    CHECK(why_not(good, row.from, row.to).find(row.why) != std::string::npos);
  }
  CHECK(read_slice(boost::json::parse("[]")).has_error());
  CHECK(read_slice(boost::json::parse("null")).has_error());
}

TEST_CASE("a slice has no more endpoints than the API server lets through") {
  test::KubeSlice slice{"a", "s", {{"ws", 80}}, std::vector<KubeEndpoint>(1000, {"10.0.0.1"})};
  CHECK(read(slice).has_value());
  slice.endpoints.push_back({"10.0.0.1"});
  REQUIRE(read(slice).has_error());
  CHECK(read(slice).error().name == "a");
}
