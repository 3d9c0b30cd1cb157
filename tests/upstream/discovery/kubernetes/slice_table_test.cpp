#include "upstream/discovery/kubernetes/slice_table.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::upstream;

namespace {

conf::KubernetesSource wanted() {
  conf::KubernetesSource source;
  source.service = "soketi";
  return source;
}

SliceEndpoint pod(const std::string& host, const std::string& name = {}) {
  SliceEndpoint endpoint;
  endpoint.host = host;
  endpoint.pod = name;
  endpoint.uid = name;
  return endpoint;
}
SliceEndpoint terminating(SliceEndpoint endpoint) {
  endpoint.offer = Offer::leaving;
  endpoint.evidence = "terminating";
  return endpoint;
}
SliceEndpoint not_ready(SliceEndpoint endpoint) {
  endpoint.offer = Offer::not_serving;
  endpoint.evidence = "not ready";
  return endpoint;
}

EndpointSlice slice(const std::string& name, std::vector<SliceEndpoint> endpoints) {
  return {name, AddressType::ipv4, {{"ws", 6001, true}}, std::move(endpoints)};
}

// `+10.0.0.1:6001 -10.0.0.2:6001 (why)`, `=` before those of a Reset, with `!` behind who leaves and `?`
// behind who does not serve.
std::string text_of(const std::vector<DiscoveryUpdate>& updates) {
  std::string out;
  const auto list = [&out](char sign, const auto& endpoints) {
    for (const auto& endpoint : endpoints) {
      out += (out.empty() ? "" : " ") + std::string(1, sign) + endpoint.address.text();
      if (endpoint.offer == Offer::leaving) out += '!';
      if (endpoint.offer == Offer::not_serving) out += '?';
    }
  };
  for (const auto& update : updates) {
    if (const auto* const reset = std::get_if<Reset>(&update)) list('=', reset->endpoints);
    if (const auto* const upsert = std::get_if<Upsert>(&update)) list('+', upsert->endpoints);
    if (const auto* const remove = std::get_if<Remove>(&update)) {
      for (const auto& address : remove->addresses) out += (out.empty() ? "-" : " -") + address.text();
      out += " (" + remove->cause + ")";
    }
  }
  return out;
}

// The only endpoint of the only update.
DiscoveredEndpoint only(const std::vector<DiscoveryUpdate>& updates) {
  REQUIRE(updates.size() == 1);
  const auto* const reset = std::get_if<Reset>(&updates[0]);
  const auto& endpoints = reset != nullptr ? reset->endpoints : std::get<Upsert>(updates[0]).endpoints;
  REQUIRE(endpoints.size() == 1);
  return endpoints[0];
}

}  // namespace

TEST_CASE("the first take is a Reset of all slices, later ones say what changed") {
  SliceTable table(wanted());
  table.put(slice("a", {pod("10.0.0.1"), pod("10.0.0.2")}));
  table.put(slice("b", {pod("10.0.1.1")}));
  CHECK(text_of(table.take("x")) == "=10.0.0.1:6001 =10.0.0.2:6001 =10.0.1.1:6001");
  CHECK(table.take("x").empty());

  table.put(slice("a", {pod("10.0.0.1"), pod("10.0.0.2")}));
  CHECK(table.take("x").empty());
  table.put(slice("a", {terminating(pod("10.0.0.1")), pod("10.0.0.3")}));
  CHECK(text_of(table.take("why")) == "-10.0.0.2:6001 (why) +10.0.0.1:6001! +10.0.0.3:6001");
  table.remove("b");
  CHECK(text_of(table.take("why")) == "-10.0.1.1:6001 (why)");
  table.remove("b");
  CHECK(table.take("why").empty());
  table.keep_only({"b"});
  CHECK(text_of(table.take("why")) == "-10.0.0.1:6001 -10.0.0.3:6001 (why)");
  CHECK_FALSE(table.has_slices());
}

TEST_CASE("a Service without pods is a Reset of nothing") {
  SliceTable table(wanted());
  const auto updates = table.take("x");
  REQUIRE(updates.size() == 1);
  CHECK(std::get<Reset>(updates[0]).endpoints.empty());
}

TEST_CASE("an offer that is not `serving` names its slice") {
  SliceTable table(wanted());
  table.put(slice("soketi-x2v", {terminating(pod("10.0.0.1"))}));
  CHECK(only(table.take("x")).cause == "slice soketi-x2v says terminating");
  table.put(slice("soketi-x2v", {not_ready(pod("10.0.0.1"))}));
  CHECK(only(table.take("x")).cause == "slice soketi-x2v says not ready");
  table.put(slice("soketi-x2v", {pod("10.0.0.1")}));
  CHECK(only(table.take("x")).cause.empty());
}

TEST_CASE("an address in two slices") {
  const auto old_pod = pod("10.0.0.1", "old");
  const auto new_pod = pod("10.0.0.1", "new");
  struct Row {
    const char* name;
    SliceEndpoint first, second;
    Offer expected;
  };
  const Row rows[] = {
      {"twice the same", old_pod, old_pod, Offer::serving},
      {"one pod, terminating in one of them", old_pod, terminating(old_pod), Offer::leaving},
      {"one pod, ready in one of them", not_ready(old_pod), old_pod, Offer::serving},
      {"the address of one that terminates has gone to another", terminating(old_pod), new_pod,
       Offer::serving},
      {"which is not ready yet", terminating(old_pod), not_ready(new_pod), Offer::leaving},
      {"pods without identity", terminating(pod("10.0.0.1")), pod("10.0.0.1"), Offer::serving},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    for (const bool turned : {false, true}) {
      SliceTable table(wanted());
      table.put(slice(turned ? "b" : "a", {turned ? row.second : row.first}));
      table.put(slice(turned ? "a" : "b", {turned ? row.first : row.second}));
      CHECK(only(table.take("x")).offer == row.expected);
      // It stays while one of them has it.
      table.remove("a");
      CHECK(text_of(table.take("x")).find('-') == std::string::npos);
      table.remove("b");
      CHECK(text_of(table.take("x")) == "-10.0.0.1:6001 (x)");
    }
  }
}

TEST_CASE("of three words on an address the one that is outdated does not count") {
  SliceTable table(wanted());
  table.put(slice("a", {pod("10.0.0.1", "old")}));
  table.put(slice("b", {pod("10.0.0.1", "new")}));
  table.put(slice("c", {terminating(pod("10.0.0.1", "old"))}));
  CHECK(only(table.take("x")).name == "new");
}

TEST_CASE("an endpoint that moves from one slice to another is not told") {
  SliceTable table(wanted());
  table.put(slice("a", {pod("10.0.0.1", "p")}));
  (void)table.take("x");
  table.put(slice("b", {pod("10.0.0.1", "p")}));
  CHECK(table.take("x").empty());
  table.put(slice("a", {}));
  CHECK(table.take("x").empty());
}

TEST_CASE("a slice that has an address twice") {
  SliceTable table(wanted());
  table.put(slice("a", {terminating(pod("10.0.0.1", "old")), pod("10.0.0.1", "new")}));
  CHECK(only(table.take("x")).name == "new");
}

// === names ===

TEST_CASE("pods have their names, one address each") {
  SliceTable table(wanted());
  table.put(slice("a", {pod("10.0.0.1", "web-0")}));
  EndpointSlice v6 = slice("b", {pod("fd00::1", "web-0")});
  v6.type = AddressType::ipv6;
  table.put(v6);
  const auto updates = table.take("x");
  const auto& endpoints = std::get<Reset>(updates.at(0)).endpoints;
  REQUIRE(endpoints.size() == 2);
  CHECK(endpoints[0].name == "web-0");
  CHECK(endpoints[0].address.text() == "10.0.0.1:6001");
  CHECK(endpoints[1].name.empty());
  CHECK(endpoints[1].address.text() == "[fd00::1]:6001");
}

TEST_CASE("a pod that comes again under its name at another address has it at once") {
  SliceTable table(wanted());
  table.put(slice("a", {pod("10.0.0.1", "web-0")}));
  (void)table.take("x");
  table.put(slice("a", {pod("10.0.0.2", "web-0")}));
  const auto updates = table.take("x");
  REQUIRE(updates.size() == 2);
  CHECK(std::get<Remove>(updates[0]).addresses.at(0).text() == "10.0.0.1:6001");
  CHECK(std::get<Upsert>(updates[1]).endpoints.at(0).name == "web-0");
}

TEST_CASE("two pods that exchange their addresses never have one name") {
  SliceTable table(wanted());
  table.put(slice("a", {pod("10.0.0.1", "p"), pod("10.0.0.2", "q")}));
  (void)table.take("x");
  table.put(slice("a", {pod("10.0.0.1", "q"), pod("10.0.0.2", "p")}));
  std::map<std::string, int> names;
  const auto updates = table.take("x");
  for (const auto& endpoint : std::get<Upsert>(updates.at(0)).endpoints) ++names[endpoint.name];
  CHECK(names["p"] <= 1);
  CHECK(names["q"] <= 1);
}

// === ports ===

TEST_CASE("ports by name, by number, or the only one") {
  struct Row {
    const char* name;
    std::string port_name;
    std::uint16_t port;
    std::vector<SlicePort> ports;
    std::string expected;  // a number, or what is wrong
  };
  const std::vector<SlicePort> two = {{"ws", 6001, true}, {"metrics", 9601, true}};
  const std::vector<SlicePort> with_udp = {{"ws", 6001, true}, {"dns", 53, false}};
  const Row rows[] = {
      {"the only one", "", 0, {{"", 6001, true}}, "6001"},
      {"the only one of TCP", "", 0, with_udp, "6001"},
      {"by name", "metrics", 0, two, "9601"},
      {"by number", "", 6001, two, "6001"},
      {"every port, by number", "", 6001, {{"any", {}, true}}, "6001"},
      {"a headless Service without ports, by number", "", 6001, {}, "6001"},
      {"several", "", 0, two,
       "slice a of Service soketi has several ports: ws (6001), metrics (9601); say by name or number which "
       "it is"},
      {"no such name", "http", 0, two,
       "slice a of Service soketi has no TCP port with the name `http`; it has ws (6001), metrics (9601)"},
      {"no such number",
       "",
       80,
       {{"", 6001, true}},
       "slice a of Service soketi has no TCP port 80; it has one without a name (6001). It is the port of "
       "the "
       "pods that counts (targetPort), not that of the Service"},
      {"not TCP", "dns", 0, with_udp,
       "slice a of Service soketi has no TCP port with the name `dns`; it has ws (6001), dns (53, not TCP)"},
      {"none", "", 0, {}, "slice a of Service soketi has no TCP port with a number; it has none"},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    auto source = wanted();
    source.port_name = row.port_name;
    source.port = row.port;
    SliceTable table(source);
    const auto unused = table.put({"a", AddressType::ipv4, row.ports, {pod("10.0.0.1")}});
    CHECK(table.fault() == unused);
    if (unused) {
      CHECK(*unused == row.expected);
      CHECK(table.take("x").empty());
    } else {
      CHECK(std::to_string(only(table.take("x")).address.port) == row.expected);
    }
  }
}

TEST_CASE("what was known stays while no slice can be used, and what changed is told afterwards") {
  SliceTable table(wanted());
  table.put(slice("a", {pod("10.0.0.1"), pod("10.0.0.2")}));
  (void)table.take("x");
  auto wrong = slice("a", {pod("10.0.0.2")});
  wrong.ports.push_back({"metrics", 9601, true});
  CHECK(table.put(wrong));
  CHECK(table.fault());
  CHECK(table.take("x").empty());
  table.put(slice("a", {pod("10.0.0.2"), pod("10.0.0.3")}));
  CHECK_FALSE(table.fault());
  CHECK(text_of(table.take("x")) == "-10.0.0.1:6001 (x) +10.0.0.3:6001");
}

TEST_CASE("one slice that can be used is enough, and an empty one is no fault") {
  SliceTable table(wanted());
  auto names = slice("b", {SliceEndpoint()});
  names.type = AddressType::fqdn;
  CHECK(table.put(names)->find("names, which are not followed") != std::string::npos);
  CHECK(table.fault());
  table.put(slice("a", {pod("10.0.0.1")}));
  CHECK_FALSE(table.fault());
  CHECK(text_of(table.take("x")) == "=10.0.0.1:6001");
  table.remove("b");
  CHECK_FALSE(table.put({"a", AddressType::ipv4, {}, {}}));
  CHECK(text_of(table.take("x")) == "-10.0.0.1:6001 (x)");
}

// === zones ===

TEST_CASE("endpoints of the own zone come first") {
  auto source = wanted();
  source.zone = "a";
  SliceTable table(source);
  auto near = pod("10.0.0.1");
  near.zone = "a";
  near.zones = {"b"};
  auto far = pod("10.0.0.2");
  far.zone = "b";
  auto hinted = far;
  hinted.host = "10.0.0.3";
  hinted.zones = {"c", "a"};
  table.put(slice("a", {near, far, hinted, pod("10.0.0.4")}));
  const auto updates = table.take("x");
  std::vector<int> priorities;
  for (const auto& endpoint : std::get<Reset>(updates.at(0)).endpoints)
    priorities.push_back(endpoint.priority);
  CHECK(priorities == std::vector<int>{0, 1, 0, 1});
}

TEST_CASE("without a zone of its own all are alike") {
  SliceTable table(wanted());
  auto endpoint = pod("10.0.0.1");
  endpoint.zone = "a";
  table.put(slice("a", {endpoint}));
  CHECK(only(table.take("x")).priority == 0);
}

// === bounds ===

TEST_CASE("there is a bound of all addresses") {
  SliceTable table(wanted());
  const auto many = [](int number) {
    std::vector<SliceEndpoint> pods;
    for (int i = 0; i < 1000; ++i)
      pods.push_back(pod("10." + std::to_string(number) + "." + std::to_string(i / 250) + "." +
                         std::to_string(i % 250)));
    return slice("s" + std::to_string(number), std::move(pods));
  };
  for (int number = 0; number < 50; ++number) CHECK_FALSE(table.put(many(number)));
  CHECK(table.put(many(50))->find("more than 50000 addresses") != std::string::npos);
  const auto updates = table.take("x");
  CHECK(std::get<Reset>(updates.at(0)).endpoints.size() == 50'000);
}
