#include "upstream/discovery/dns/endpoints.hpp"

#include "tests/support/catch.hpp"
#include "upstream/discovery/dns/sentences.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace tidegate::upstream::dns;

namespace {

using Texts = std::vector<std::string>;

Answer records(Texts addresses) {
  Answer answer;
  answer.kind = AnswerKind::records;
  answer.addresses = std::move(addresses);
  return answer;
}

Answer without_records(AnswerKind kind, std::string why) {
  Answer answer;
  answer.kind = kind;
  answer.why = std::move(why);
  return answer;
}

HostMemory host_of(const std::string& name, Texts ipv4, Texts ipv6 = {}) {
  HostMemory host;
  host.take({name, {records(std::move(ipv4)), records(std::move(ipv6))}}, {RecordType::a, RecordType::aaaa});
  return host;
}

// `10.0.0.1:80 weight 1 priority 0`, and name and dual-stack host where there are.
std::string text_of(const DiscoveredEndpoint& endpoint) {
  auto text = endpoint.address.text() + " weight " + std::to_string(endpoint.weight) + " priority " +
              std::to_string(endpoint.priority);
  if (!endpoint.name.empty()) text += " name " + endpoint.name;
  if (endpoint.dual_stack) text += " host " + endpoint.host;
  return text;
}

Texts texts_of(const std::vector<DiscoveredEndpoint>& endpoints) {
  Texts texts;
  for (const auto& endpoint : endpoints) texts.push_back(text_of(endpoint));
  return texts;
}

DiscoveredEndpoint at(const std::string& host) {
  DiscoveredEndpoint endpoint;
  endpoint.address = {host, 80, {}};
  return endpoint;
}

}  // namespace

TEST_CASE("the addresses of a name as endpoints") {
  const Target target{{"soketi", 80, false}, 3, "blue", false};
  CHECK(texts_of(endpoints_of(target, host_of("soketi.test", {"10.0.0.1"}))) ==
        Texts{"10.0.0.1:80 weight 3 priority 0 name blue"});
  CHECK(texts_of(endpoints_of(target, host_of("soketi.test", {"10.0.0.1"}, {"fd00::1"}))) ==
        Texts{"10.0.0.1:80 weight 3 priority 0 name blue-10.0.0.1 host soketi",
              "[fd00::1]:80 weight 3 priority 0 name blue-fd00::1 host soketi"});
  CHECK(endpoints_of(target, HostMemory()).empty());
}

TEST_CASE("SRV records as endpoints") {
  const Hosts hosts{{"a", host_of("a", {"10.0.0.1"})},
                    {"b", host_of("b", {"10.0.0.2"}, {"fd00::2"})},
                    {"c", host_of("c", {"10.0.0.1"})}};
  struct Row {
    const char* name;
    std::vector<ServiceRecord> services;
    Texts endpoints;
  };
  const Row rows[] = {
      {"by priority, weight 0 is 1",
       {{"a", 6001, 0, 2}, {"b", 6002, 7, 1}},
       {"10.0.0.2:6002 weight 7 priority 1 host b", "[fd00::2]:6002 weight 7 priority 1 host b",
        "10.0.0.1:6001 weight 1 priority 2"}},
      {"weights above 1000 are scaled within their priority",
       {{"a", 1, 60'000, 0}, {"a", 2, 6'000, 0}, {"a", 3, 6, 0}, {"a", 4, 5, 1}},
       {"10.0.0.1:1 weight 1000 priority 0", "10.0.0.1:2 weight 100 priority 0",
        "10.0.0.1:3 weight 1 priority 0", "10.0.0.1:4 weight 5 priority 1"}},
      {"an address and port stand once, by the lowest priority",
       {{"a", 80, 5, 2}, {"c", 80, 9, 1}},
       {"10.0.0.1:80 weight 9 priority 1"}},
      {"a target that never resolved",
       {{"a", 80, 5, 0}, {"d", 80, 5, 0}},
       {"10.0.0.1:80 weight 5 priority 0"}},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    CHECK(texts_of(endpoints_of(row.services, hosts)) == row.endpoints);
  }
}

TEST_CASE("why endpoints leave") {
  CHECK(cause_of_leaving("x", {}, {at("10.0.0.1")}) == "the DNS answer for x");
  CHECK(cause_of_leaving("x", {at("10.0.0.1"), at("10.0.0.7")}, {at("10.0.0.1")}) ==
        "10.0.0.7 is no longer in the DNS answer for x");
  CHECK(cause_of_leaving("x", {at("10.0.0.1"), at("10.0.0.7"), at("10.0.0.8")}, {at("10.0.0.9")}) ==
        "10.0.0.1 and 2 more are no longer in the DNS answer for x");
}

TEST_CASE("faults name the question, the reason and what to do") {
  const Question host{"soketi", {RecordType::a, RecordType::aaaa}, "10.96.0.10:53"};
  const Question service{"_ws._tcp.soketi", {RecordType::srv}, "10.96.0.10:53"};
  const auto nothing = without_records(AnswerKind::no_records, "no A record");
  const auto refused = without_records(AnswerKind::failed, "REFUSED");
  const auto silent = without_records(AnswerKind::unanswered, "no answer in time");
  const auto no_name = without_records(AnswerKind::no_name, "NXDOMAIN");
  struct Row {
    Question question;
    Finding finding;
    std::string fault;
  };
  const std::string check = " from 10.96.0.10:53: can they be reached from here, and do they know this name?";
  const Row rows[] = {
      {host, {"soketi", {records({"10.0.0.1"}), nothing}}, ""},
      {host,
       {"soketi", {no_name, no_name}},
       "DNS: `soketi` does not exist (NXDOMAIN from 10.96.0.10:53): is it written as it is meant, and "
       "completed by "
       "the right search list?"},
      {host,
       {"soketi.hex", {nothing, nothing}},
       "DNS: `soketi` (soketi.hex) has no address (neither A nor AAAA record): a headless Service has none "
       "while no "
       "pod of it is ready"},
      {host, {"soketi", {records({"10.0.0.1"}), refused}}, "DNS: `soketi` AAAA: REFUSED" + check},
      {host, {"soketi", {silent, silent}}, "DNS: `soketi` A and AAAA: no answer in time" + check},
      {host, {"soketi", {refused, silent}}, "DNS: `soketi` A and AAAA: REFUSED; no answer in time" + check},
      {service,
       {"_ws._tcp.soketi", {nothing}},
       "DNS: `_ws._tcp.soketi` has no SRV record: is it `_PORT._tcp.NAME`?"},
      {service,
       {"_ws._tcp.soketi", {without_records(AnswerKind::no_records, "says that it is not there")}},
       "DNS: `_ws._tcp.soketi` says that it is not there"},
  };
  for (const auto& row : rows) CHECK(fault_of(row.question, row.finding) == row.fault);
}
