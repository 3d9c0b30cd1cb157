#include "wire/net/tls_certificate.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "wire/net/tls_client.hpp"
#include "wire/net/tls_error.hpp"
#include "wire/net/tls_server.hpp"

using namespace tidegate::net;
using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

const auto kNow = std::chrono::system_clock::now();

struct Fault {
  std::string file;
  std::string why;
};

Fault fault_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const TlsFault& fault) {
    return {fault.file(), fault.what()};
  }
  return {};
}

Fault fault_of(const CertificateFiles& files) {
  return fault_of([&] { (void)load_certificate(files, kNow); });
}

bool says(const Fault& fault, const std::string& file, const std::string& part) {
  INFO(fault.file << ": " << fault.why);
  CHECK(fault.file == file);
  CHECK(fault.why.find(part) != std::string::npos);
  return true;
}

std::string content(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a certificate knows its names, its end and its type of key") {
  Authority ca;
  const auto issued = ca.issue({{"A.test", "*.b.test"}, true});
  const auto certificate = load_certificate({issued.certificate, issued.key, {}}, kNow);
  CHECK(certificate.names() == std::vector<std::string>{"a.test", "*.b.test"});
  CHECK(certificate.key_type() == "RSA");
  CHECK(certificate.expires() > kNow + 29 * 24h);
  CHECK(certificate.expires() < kNow + 31 * 24h);
  CHECK(certificate.chain.empty());
  // Behind the leaf comes what leads to the CA.
  const auto chained = ca.write("chain.pem", content(issued.certificate) + content(ca.file()));
  CHECK(load_certificate({chained, issued.key, {}}, kNow).chain.size() == 1);
}

TEST_CASE("every fault of a certificate or key names the file and the reason") {
  Authority ca;
  const auto good = ca.issue();
  const auto other = ca.issue();
  says(fault_of({"/none.pem", good.key, {}}), "/none.pem", "No such file");
  says(fault_of({good.certificate, "/none.key", {}}), "/none.key", "No such file");
  const auto text = ca.write("text", "hello\n");
  says(fault_of({text, good.key, {}}), text, "no PEM certificate");
  says(fault_of({good.certificate, text, {}}), text, "no PEM private key");
  says(fault_of({good.key, good.key, {}}), good.key, "no PEM certificate");
  says(fault_of({good.certificate, other.key, {}}), other.key, "not the key of the certificate");
  const auto broken =
      ca.write("broken.pem", content(good.certificate) + "-----BEGIN CERTIFICATE-----\nMIIB\n" +
                                 "-----END CERTIFICATE-----\n");
  says(fault_of({broken, good.key, {}}), broken, "certificate 2");
  const auto expired = ca.issue({{"a.test"}, false, -10, -1});
  says(fault_of({expired.certificate, expired.key, {}}), expired.certificate, "expired on 20");
  const auto early = ca.issue({{"a.test"}, false, 2, 10});
  says(fault_of({early.certificate, early.key, {}}), early.certificate, "not valid before 20");
  // What never ends ends in the year 9999 (RFC 5280 4.1.2.5), which the clock does not reach.
  const auto endless = ca.issue({{"a.test"}, false, -1, 2'900'000});
  const auto certificate = load_certificate({endless.certificate, endless.key, {}}, kNow);
  CHECK(certificate.expires() > kNow + std::chrono::hours(24 * 365 * 100));
  CHECK(warnings_of(certificate, kNow, std::chrono::hours(24 * 30)).empty());
  if (::geteuid() != 0) {
    std::filesystem::permissions(good.key, std::filesystem::perms::none);
    says(fault_of({good.certificate, good.key, {}}), good.key, "Permission denied");
  }
}

TEST_CASE("an encrypted key opens by the first line of its passphrase file") {
  Authority ca;
  const auto sealed = ca.issue({{"a.test"}, false, -1, 30, "open sesame"});
  const auto right = ca.write("right", "open sesame\nsecond line\n");
  const auto wrong = ca.write("wrong", "abracadabra\n");
  CHECK(load_certificate({sealed.certificate, sealed.key, right}, kNow).key_type() == "EC");
  says(fault_of({sealed.certificate, sealed.key, {}}), sealed.key, "passphraseFile");
  says(fault_of({sealed.certificate, sealed.key, wrong}), sealed.key, "does not open this key");
  says(fault_of({sealed.certificate, sealed.key, "/none"}), "/none", "No such file");
}

TEST_CASE("a key for everybody and a certificate that ends soon are warned of") {
  Authority ca;
  const auto issued = ca.issue({{"a.test"}, false, -1, 10});
  const auto certificate = load_certificate({issued.certificate, issued.key, {}}, kNow);
  CHECK(warnings_of(certificate, kNow, 24h * 5).empty());
  const auto soon = warnings_of(certificate, kNow, 24h * 14);
  REQUIRE(soon.size() == 1);
  CHECK(soon[0].find(" days, on 20") != std::string::npos);
  std::filesystem::permissions(issued.key, std::filesystem::perms(0644));
  const auto open = warnings_of(certificate, kNow, 24h * 5);
  REQUIRE(open.size() == 1);
  CHECK(open[0].find("may read this private key") != std::string::npos);
}

TEST_CASE("faults of authorities, revocation lists, staples and ciphers") {
  Authority ca;
  const auto issued = ca.issue();
  const auto text = ca.write("text", "hello\n");
  const auto keys = std::make_shared<TicketKeys>(12h);
  const auto with = [&](const std::function<void(TlsServerSettings&)>& change) {
    TlsServerSettings settings;
    settings.identities.push_back({{issued.certificate, issued.key, {}}, {}, {}});
    change(settings);
    return fault_of([&] { (void)TlsServer::make(settings, keys, kNow); });
  };
  CHECK(with([](auto&) {}).why.empty());
  says(with([&](auto& s) {
         s.clients = {ClientCertificates::required, text, {}, 1};
       }),
       text, "no CA certificate");
  says(with([&](auto& s) {
         s.clients = {ClientCertificates::required, "/none", {}, 1};
       }),
       "/none", "No such file");
  says(with([&](auto& s) {
         s.clients = {ClientCertificates::required, ca.file(), text, 1};
       }),
       text, "no certificate revocation list");
  says(with([&](auto& s) { s.identities[0].staple = text; }), text, "no successful OCSP response");
  says(with([](auto& s) { s.choices.ciphers = "NONSENSE"; }), "", "`ciphers`");
  says(with([](auto& s) { s.choices.cipher_suites = "NONSENSE"; }), "", "`cipherSuites`");
  says(with([](auto& s) { s.identities.clear(); }), "", "no certificate");
  TlsClientSettings client;
  client.authorities = text;
  says(fault_of([&] { (void)TlsClient(client, kNow); }), text, "no CA certificate");
}
