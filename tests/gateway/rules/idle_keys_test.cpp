#include "gateway/process/idle_keys.hpp"

#include "tests/conf/reading.hpp"

using namespace tidegate;

namespace {

const std::string kUpstream = "upstreams: { a: { endpoints: ['127.0.0.1:1'] } }\n";

std::string warnings_of(const std::string& yaml) {
  std::string all;
  for (const auto& warning : gateway::idle_keys(conf::config_of(yaml + kUpstream)))
    all += warning.text() + "\n";
  return all;
}

// A listener with a certificate and these keys.
std::string secure(const std::string& port, const std::string& keys) {
  return "  - address: 127.0.0.1:" + port + "\n    tls: { certificate: /c, key: /k" + keys + " }\n";
}

}  // namespace

TEST_CASE("a limit that nothing names is told") {
  const std::string limits = "limits: { few: { connections: 5 } }\n";
  CHECK(
      warnings_of("listeners: ['127.0.0.1:80']\n" + limits).find(" limits.few: limits nobody: name it in") !=
      std::string::npos);
  CHECK(warnings_of("listeners: [{ address: '127.0.0.1:80', limits: [few] }]\n" + limits).empty());
  CHECK(warnings_of("listeners: ['127.0.0.1:80']\nroutes: [{ upstream: a, limits: [few] }]\n" + limits)
            .empty());
}

TEST_CASE("client certificates that are forwarded but never asked for are told") {
  const std::string forward = ", forwardClientCertificate: true";
  CHECK(warnings_of("listeners:\n" + secure("443", forward))
            .find("listeners[0].tls.forwardClientCertificate: there is never one to forward") !=
        std::string::npos);
  CHECK(warnings_of("listeners:\n" +
                    secure("443", forward + ", clientCertificates: { mode: optional, ca: /a }"))
            .empty());
  CHECK(warnings_of("listeners:\n" +
                    secure("443", forward + ", hosts: [{ names: [a.test], clientCertificates: { "
                                            "mode: required, ca: /a } }]"))
            .empty());
}

TEST_CASE("a redirect to port 443 is told if https is served at another port only") {
  const std::string redirect = "listeners:\n  - { address: '127.0.0.1:80', tls: { redirect: true } }\n";
  CHECK(
      warnings_of(redirect + secure("8443", ""))
          .find("listeners[0].tls.redirect: sends clients to port 443, where no listener is; the one at port "
                "8443 ") != std::string::npos);
  CHECK(warnings_of(redirect + secure("8443", "") + secure("443", "")).empty());
  CHECK(warnings_of(redirect).empty());
}
