// Server names that no certificate is for.
#include "gateway/process/tls_names.hpp"

#include "tests/conf/reading.hpp"

using namespace tidegate;
using gateway::covers;
using gateway::name_warnings;

namespace {

const std::vector<gateway::NamedCertificate> kExample{{"a.pem", {"example.com", "*.example.com"}}};

std::string serving(const std::string& tls, const std::string& routes) {
  return "listeners:\n  - address: '127.0.0.1:443'\n    tls:\n      certificate: a.pem\n      key: a.key\n" +
         tls + "  - '127.0.0.1:80'\nroutes:\n" + routes +
         "upstreams: { a: { endpoints: ['127.0.0.1:1'] } }\n";
}

std::vector<std::string> warnings(const std::string& tls, const std::string& routes) {
  std::vector<std::string> texts;
  for (const auto& warning : name_warnings(conf::config_of(serving(tls, routes)), 0, kExample))
    texts.push_back(warning.text());
  return texts;
}

std::string to(const std::string& hosts, const std::string& more = "") {
  return "  - { hosts: [" + hosts + "], path: /, upstream: a" + more + " }\n";
}

}  // namespace

TEST_CASE("a certificate covers names as clients compare them") {
  const std::vector<std::string> names{"example.com", "*.example.com", "a.example.net"};
  CHECK(covers(names, "example.com"));
  CHECK(covers(names, "www.example.com"));
  CHECK_FALSE(covers(names, "a.b.example.com"));
  CHECK(covers(names, "*.example.com"));
  CHECK(covers(names, "*.example.net"));  // one of them
  CHECK_FALSE(covers(names, "*.example.org"));
  CHECK_FALSE(covers(names, "localhost"));
  CHECK_FALSE(covers({}, "example.com"));
}

TEST_CASE("names and hosts that certificates are for are not warned of") {
  CHECK(warnings("", to("example.com, '*.example.com'")).empty());
  CHECK(warnings("", "  - { path: /, upstream: a }\n").empty());
  CHECK(warnings("", to("'127.0.0.1', '[::1]'")).empty());
  // Only in clear text.
  CHECK(warnings("", to("example.org", ", listeners: ['127.0.0.1:80']")).empty());
}

TEST_CASE("a policy's name without a certificate is warned of, with the certificate's names") {
  const auto found = warnings(
      "      hosts:\n        - names: [partners.example.com, partners.example.org]\n"
      "          clientCertificates: { mode: required, ca: ca.pem }\n",
      to("example.com"));
  REQUIRE(found.size() == 1);
  CHECK(
      found[0] ==
      "t.yaml:7:41: listeners[0].tls.hosts[0].names[1]: no certificate here is for `partners.example.org`: "
      "clients are shown a.pem and refuse it; there is a.pem (for `example.com`, `*.example.com`): add one, "
      "or mend the name");
}

TEST_CASE("hosts of routes without a certificate are one warning for all of them") {
  const auto found = warnings("      unknownName: refuse\n",
                              to("example.com") + to("a.example.org") + to("'*.b.example.org'"));
  REQUIRE(found.size() == 1);
  CHECK(
      found[0].starts_with("t.yaml:10:15: routes[1].hosts[0]: no certificate of listeners[0] "
                           "(127.0.0.1:443) is for `a.example.org`, `*.b.example.org`: their handshakes are "
                           "refused (`unknownName: refuse`)"));
}
