#include "gateway/process/tls_watch.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include "conf/yaml_reader.hpp"
#include "gateway/process/tls_build.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/patience.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::shared_ptr<const conf::Config> config_of(const std::string& tls, const std::string& more = {}) {
  auto read = conf::read_yaml("listeners:\n  - address: 127.0.0.1:0\n    tls: { " + tls +
                                  " }\nroutes: [ { path: /, respond: { status: 200 } } ]\n" + more,
                              "test.yaml");
  return std::make_shared<const conf::Config>(std::get<conf::Config>(std::move(read)));
}

std::string files(const Issued& issued) {
  return "certificate: " + issued.certificate + ", key: " + issued.key;
}

void become_directory(const std::string& file) {
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
}

// A watch on one certificate, driven by hand.
struct Watched {
  explicit Watched(gateway::TlsWatch::Change change)
      : watch(context, keys, std::make_shared<spdlog::logger>("test", sink), std::move(change)) {
    const auto config = config_of(files(issued));
    conf::ConfigErrors faults;
    auto contexts = gateway::make_tls_contexts(*config, keys, std::chrono::system_clock::now(), faults);
    REQUIRE(faults.empty());
    watch.watch({config, std::make_shared<const gateway::TlsContexts>(std::move(contexts)),
                 net::stamps_of(gateway::tls_files(*config))});
  }

  void look_until_logged(const std::string& words) {
    wait_until("the log to say: " + words, [&] {
      watch.look();
      context.restart();
      context.poll();
      return log.str().find(words) != std::string::npos;
    });
  }

  Authority ca;
  Issued issued = ca.issue();
  std::ostringstream log;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink =
      std::make_shared<spdlog::sinks::ostream_sink_mt>(log);
  std::shared_ptr<net::TicketKeys> keys = std::make_shared<net::TicketKeys>(std::chrono::hours(12));
  boost::asio::io_context context;
  gateway::TlsWatch watch;
};

}  // namespace

TEST_CASE("a certificate that becomes a directory is said so, and the old one stays until it is mended") {
  int changes = 0;
  Watched watched([&changes](auto) { ++changes; });
  const auto whole = net::read_pem_file(watched.issued.certificate);
  become_directory(watched.issued.certificate);
  watched.look_until_logged(
      "certificates not renewed, the old ones stay: test.yaml:3:25: listeners[0].tls.certificate: " +
      watched.issued.certificate + ": is not a file but a directory");
  CHECK(changes == 0);
  std::filesystem::remove(watched.issued.certificate);
  (void)watched.ca.write(std::filesystem::path(watched.issued.certificate).filename(), whole);
  watched.look_until_logged("certificates renewed");
  CHECK(changes == 1);
}

TEST_CASE("an exception while certificates are taken up is logged and nothing more") {
  int changes = 0;
  Watched watched([&changes](auto) {
    if (++changes == 1) throw std::runtime_error("no memory for it");
  });
  (void)watched.ca.write(std::filesystem::path(watched.issued.key).filename(),
                         net::read_pem_file(watched.issued.key) + "\n");
  watched.look_until_logged("certificates not renewed, the old ones stay: no memory for it");
  (void)watched.ca.write(std::filesystem::path(watched.issued.key).filename(),
                         net::read_pem_file(watched.issued.key) + "\n");
  watched.look_until_logged("certificates renewed");
}

TEST_CASE("a directory in place of any file of TLS is a fault of the configuration") {
  Authority ca;
  const auto issued = ca.issue({.chained = true});
  const auto folder = ca.folder().string();
  const auto fault_of = [&](const std::string& tls, const std::string& more = {}) {
    conf::ConfigErrors faults;
    (void)gateway::make_tls_contexts(*config_of(tls, more),
                                     std::make_shared<net::TicketKeys>(std::chrono::hours(12)),
                                     std::chrono::system_clock::now(), faults);
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].message == folder + ": is not a file but a directory");
    return faults[0].path;
  };
  const auto good = files(issued);
  CHECK(fault_of("certificate: " + folder + ", key: " + issued.key) == "listeners[0].tls.certificate");
  CHECK(fault_of("certificate: " + issued.certificate + ", key: " + folder) == "listeners[0].tls.key");
  CHECK(fault_of(good + ", passphraseFile: " + folder) == "listeners[0].tls.passphraseFile");
  CHECK(fault_of(good + ", clientCertificates: { mode: required, ca: " + folder + " }") ==
        "listeners[0].tls.clientCertificates.ca");
  CHECK(fault_of(good + ", clientCertificates: { mode: required, ca: " + ca.file() + ", crl: " + folder +
                 " }") == "listeners[0].tls.clientCertificates.crl");
  CHECK(fault_of(good + ", ocspStaple: " + folder) == "listeners[0].tls.ocspStaple");
  CHECK(fault_of(good + ", ocspStaple: { responder: 'http://a.test/', issuer: " + folder + " }") ==
        "listeners[0].tls.ocspStaple.issuer");
  CHECK(fault_of(good, "tlsTicketKeys: " + folder + "\n") == "tlsTicketKeys");
  const auto pods = [](const std::string& tls) {
    return "upstreams: { pods: { endpoints: ['127.0.0.1:1'], tls: { serverName: a.test, " + tls + " } } }\n";
  };
  CHECK(fault_of(good, pods("ca: " + folder)) == "upstreams.pods.tls.ca");
  CHECK(fault_of(good, pods("certificate: " + folder + ", key: " + issued.key)) ==
        "upstreams.pods.tls.certificate");
}
