#include "gateway/exchange/client_identity.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::gateway;

namespace {

using tidegate::http::Fields;

const Networks kTrusted{{"10.0.0.0/8", "fd00::/8"}};

Fields fields_of(std::string_view name, const std::vector<std::string_view>& values) {
  Fields fields;
  fields.push_back({"Host", "test"});
  for (const auto value : values) fields.push_back({name, value});
  return fields;
}

struct Case {
  std::string_view name;
  std::vector<std::string_view> values;
  std::string_view expected;
  std::string_view peer = "10.0.0.1";
};

}  // namespace

TEST_CASE("X-Forwarded-For is walked from its end to the first that is not trusted") {
  const std::vector<Case> cases{
      {"none", {}, "10.0.0.1"},
      {"a peer that is not trusted", {"1.1.1.1"}, "203.0.113.9", "203.0.113.9"},
      {"the client alone", {"203.0.113.9"}, "203.0.113.9"},
      {"what the client has made up stands before it", {"6.6.6.6, 203.0.113.9"}, "203.0.113.9"},
      {"several proxies", {"6.6.6.6, 203.0.113.9, 10.0.0.2,10.0.0.3"}, "203.0.113.9"},
      {"over repeated fields", {"6.6.6.6", "203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
      {"all trusted", {"10.0.0.9, 10.0.0.2"}, "10.0.0.9"},
      {"a port", {"203.0.113.9:4711"}, "203.0.113.9"},
      {"IPv6", {"2001:db8::1"}, "2001:db8::1"},
      {"IPv6 in brackets", {"[2001:db8::1]"}, "2001:db8::1"},
      {"IPv6 with a port", {"[2001:db8::1]:4711"}, "2001:db8::1"},
      {"an open bracket", {"[2001:db8::1"}, "10.0.0.1"},
      {"something behind the bracket", {"[2001:db8::1]x"}, "10.0.0.1"},
      {"unknown", {"unknown"}, "10.0.0.1"},
      {"nobody vouches for what is left of it", {"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2"},
      {"an empty member", {"203.0.113.9,,10.0.0.2"}, "10.0.0.2"},
      {"a Unix peer is no address", {"unix:"}, "10.0.0.1"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name);
    CHECK(client_address(fields_of("x-forwarded-for", one.values), one.peer, kTrusted) == one.expected);
  }
}

TEST_CASE("Forwarded is walked likewise") {
  const std::vector<Case> cases{
      {"none", {}, "10.0.0.1"},
      {"a peer that is not trusted", {"for=1.1.1.1"}, "203.0.113.9", "203.0.113.9"},
      {"the client alone", {"for=203.0.113.9"}, "203.0.113.9"},
      {"names in any case, parameters in any order",
       {"proto=https; For=203.0.113.9 ;by=10.0.0.1"},
       "203.0.113.9"},
      {"what the client has made up stands before it", {"for=6.6.6.6, for=203.0.113.9"}, "203.0.113.9"},
      {"several proxies", {"for=6.6.6.6, for=203.0.113.9, for=10.0.0.2,for=10.0.0.3"}, "203.0.113.9"},
      {"over repeated fields", {"for=6.6.6.6", "for=203.0.113.9", "for=10.0.0.2"}, "203.0.113.9"},
      {"all trusted", {"for=10.0.0.9, for=10.0.0.2"}, "10.0.0.9"},
      {"a port", {"for=\"203.0.113.9:4711\""}, "203.0.113.9"},
      {"a hidden port", {"for=\"203.0.113.9:_x\""}, "203.0.113.9"},
      {"IPv6", {"for=\"[2001:db8::1]\""}, "2001:db8::1"},
      {"IPv6 with a port", {"for=\"[2001:db8::1]:4711\""}, "2001:db8::1"},
      {"unknown", {"for=unknown"}, "10.0.0.1"},
      {"a hidden identifier", {"for=203.0.113.9, for=_hidden, for=10.0.0.2"}, "10.0.0.2"},
      {"an element without for", {"for=203.0.113.9, proto=https"}, "10.0.0.1"},
      {"empty members do not count", {"for=203.0.113.9,, for=10.0.0.2 ,"}, "203.0.113.9"},
      {"for twice", {"for=203.0.113.9;for=203.0.113.8"}, "10.0.0.1"},
      {"a comma within quotes", {"for=203.0.113.9;host=\"a,b\""}, "203.0.113.9"},
      {"a semicolon within quotes", {"for=203.0.113.9;host=\"a;for=1.1.1.1\""}, "203.0.113.9"},
      {"an escaped quote", {"for=203.0.113.9;x=\"a\\\",for=1.1.1.1\""}, "203.0.113.9"},
      {"escapes in an address", {"for=\"203.0\\.113.9\""}, "10.0.0.1"},
      {"an open quote of the client's does not swallow its address",
       {"for=\"6.6.6.6, for=203.0.113.9"},
       "203.0.113.9"},
      {"nor does it behind several", {"x=\", for=203.0.113.9, for=\"10.0.0.2\""}, "203.0.113.9"},
      {"nor with an escape", {"x=\"\\, for=203.0.113.9"}, "203.0.113.9"},
      {"a bare word", {"203.0.113.9"}, "10.0.0.1"},
      {"an empty value", {"for="}, "10.0.0.1"},
      {"only a quote", {"for=\""}, "10.0.0.1"},
      {"white space behind an equals sign", {"for= 203.0.113.9"}, "10.0.0.1"},
      {"white space before one", {"for =203.0.113.9"}, "10.0.0.1"},
      {"a tab", {"for=\t203.0.113.9"}, "10.0.0.1"},
      {"with a parameter that nobody knows", {"for=203.0.113.9;x= y"}, "10.0.0.1"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name);
    CHECK(forwarded_client(fields_of("forwarded", one.values), one.peer, kTrusted).address == one.expected);
  }
}

TEST_CASE("the proxy that met the client says by which scheme and host it came") {
  const auto fields = fields_of(
      "Forwarded", {"for=6.6.6.6;proto=gopher",
                    "for=203.0.113.9;proto=https;host=\"a.example:8443\", for=10.0.0.2;proto=http"});
  const auto client = forwarded_client(fields, "10.0.0.1", kTrusted);
  CHECK(client.address == "203.0.113.9");
  CHECK(client.proto == "https");
  CHECK(client.host == "a.example:8443");
}

TEST_CASE("a host that no Host field might say is not repeated") {
  const auto host_said = [](const std::string& host) {
    const std::string element = "for=203.0.113.9;host=" + host;
    const auto client = forwarded_client(fields_of("Forwarded", {element}), "10.0.0.1", kTrusted);
    CHECK(client.address == "203.0.113.9");
    return std::string(client.host);
  };
  for (const std::string host : {"a.example", "\"a.example:8443\"", "\"[2001:db8::1]:80\"", "192.0.2.1"}) {
    CAPTURE(host);
    CHECK_FALSE(host_said(host).empty());
  }
  for (const std::string host :
       {"\"evil/\xff<\"", "\"a b\"", "\"u@a.example\"", "\"a.example:99999\"", "\"a.example, b.example\"",
        "\"[2001:db8::1\"", "\"a.example/path\"", "\"a<script>\""}) {
    CAPTURE(host);
    CHECK(host_said(host).empty());
  }
}

TEST_CASE("a long chain is walked once") {
  std::string chain = "for=203.0.113.9";
  for (int i = 0; i < 3'000; ++i) chain += ",for=10.0.0.2";
  CHECK(forwarded_client(fields_of("Forwarded", {chain}), "10.0.0.1", kTrusted).address == "203.0.113.9");
}
