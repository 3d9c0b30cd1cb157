// Fetched OCSP responses through a whole gateway.
#include "conf/yaml_reader.hpp"
#include "gateway/process/tls_contexts.hpp"
#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/ocsp_responder.hpp"
#include "tests/support/tls_client.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::string listening(const std::string& tls) {
  return "listeners:\n  - address: 127.0.0.1:0\n    tls: { " + tls +
         " }\nupstreams:\n  pods:\n    endpoints: ['127.0.0.1:1']\n";
}

std::string files(const Issued& issued) {
  return "certificate: " + issued.certificate + ", key: " + issued.key;
}

// What a client that asks for it gets stapled.
std::string stapled(const GatewayFixture& gateway, const TlsClientSide& client) {
  RawClient socket(gateway.port(), client.session());
  const unsigned char* staple = nullptr;
  const long size = ::SSL_get_tlsext_status_ocsp_resp(socket.ssl(), &staple);
  return size > 0 ? std::string(reinterpret_cast<const char*>(staple), static_cast<std::size_t>(size)) : "";
}

// Why a gateway does not start.
std::string fault_of(const std::string& yaml) {
  try {
    const GatewayFixture gateway(yaml);
  } catch (const std::runtime_error& fault) {
    return fault.what();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text, part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a response that was fetched is stapled, and its metrics tell") {
  Authority ca;
  OcspResponder responder;
  const auto issued = ca.issue({.names = {"a.test"}, .responder = responder.url(), .chained = true});
  const auto response = ca.say(issued);
  responder.answer_exactly("");  // the start does not wait for it
  const GatewayFixture gateway(listening(files(issued) + ", ocspStaple: fetch"));
  TlsClientSide client(ca);
  client.name("a.test").ask_for_staple();
  wait_until("the question", [&] { return responder.asked() == 1; });
  CHECK(stapled(gateway, client).empty());
  const auto label = "{file=\"" + issued.certificate + "\",responder=\"" + responder.url() + "\"";
  CHECK(
      contains(gateway.admin("/metrics"), "tidegate_ocsp_staple_expiry_timestamp_seconds" + label + "} 0\n"));

  responder.answer(response);
  const GatewayFixture another(listening(files(issued) + ", ocspStaple: { issuer: " + ca.file() + " }"));
  wait_until("the response", [&] { return stapled(another, client) == response; });
  const auto page = another.admin("/metrics");
  CHECK(contains(page, "tidegate_ocsp_fetches_total" + label + ",result=\"good\"} 1\n"));
  CHECK(contains(page, "tidegate_ocsp_fetches_total" + label + ",result=\"timeout\"} 0\n"));
  CHECK(contains(page, "tidegate_ocsp_staple_age_seconds" + label + "} 36"));
}

TEST_CASE("a certificate that cannot be asked about is named with the reason") {
  Authority ca;
  OcspResponder responder;
  const auto silent = ca.issue({.chained = true});
  const auto alone = ca.issue({.responder = responder.url()});
  const auto fault = fault_of(listening("certificates: [ { " + files(silent) + ", ocspStaple: fetch }, { " +
                                        files(alone) + ", ocspStaple: fetch } ]"));
  CHECK(contains(fault, "test.yaml:3:43: listeners[0].tls.certificates[0].certificate: " +
                            silent.certificate + ": the certificate names no OCSP responder"));
  CHECK(contains(fault, "listeners[0].tls.certificates[1].certificate: " + alone.certificate +
                            ": the certificate of the CA"));
}

// What a CA does that gives up OCSP, as several have: the next certificate names no responder.
TEST_CASE("a renewed certificate that cannot be asked about is served without, and warned of") {
  Authority ca;
  const auto silent = ca.issue({.chained = true});
  const auto read = conf::read_yaml(listening(files(silent) + ", ocspStaple: fetch"), "test.yaml");
  const auto& config = std::get<conf::Config>(read);
  const auto keys = std::make_shared<net::TicketKeys>(std::chrono::hours(12));
  const auto now = std::chrono::system_clock::now();
  conf::ConfigErrors faults;
  const auto contexts =
      gateway::make_tls_contexts(config, keys, now, faults, gateway::StapleFaults::warnings);
  CHECK(faults.empty());
  const auto& server = *contexts.listeners.at(0);
  CHECK(server.staples().at(0)->inquiry() == nullptr);
  CHECK(server.staples().at(0)->at(now) == nullptr);
  const auto warnings = gateway::tls_warnings(config, contexts, now);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], silent.certificate + ": the certificate names no OCSP responder"));
  CHECK(warnings[0].ends_with("; clients get no OCSP response"));
}

TEST_CASE("a certificate that clients refuse without a staple is warned of") {
  Authority ca;
  const auto log = ca.write("error.log", "");
  const auto issued = ca.issue({.must_staple = true});
  {
    const GatewayFixture gateway(listening(files(issued)) + "log: { access: off, error: { path: " + log +
                                 " } }\n");
  }
  CHECK(contains(net::read_pem_file(log), issued.certificate + ": clients are to refuse this certificate"));
}
