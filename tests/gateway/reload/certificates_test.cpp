// Certificates over reloads: what is the same keeps its object and with it its session tickets.
#include "tests/support/certificates.hpp"

#include <filesystem>

#include <spdlog/spdlog.h>

#include "gateway/process/gateway.hpp"
#include "gateway/process/load_config.hpp"
#include "tests/conf/reading.hpp"
#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/tls_client.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace tidegate::test;

namespace {

std::string files(const Issued& issued) {
  return "certificate: " + issued.certificate + ", key: " + issued.key;
}

std::string two_listeners(const Issued& first, const Issued& second, const std::string& rest = "") {
  return "listeners:\n  - { address: '127.0.0.1:8443', tls: { " + files(first) +
         " } }\n  - { address: '127.0.0.1:8444', tls: { " + files(second) +
         " } }\nroutes: [ { path: /, respond: { body: x } } ]\n" + rest;
}

LoadedConfig load(const std::string& yaml, const TlsBuild& before) {
  static const auto keys = std::make_shared<net::TicketKeys>(std::chrono::hours(12));
  auto result = load_config(std::make_shared<const conf::Config>(conf::config_of(yaml)),
                            {keys, spdlog::default_logger(), before, {}});
  REQUIRE(std::holds_alternative<LoadedConfig>(result));
  return std::get<LoadedConfig>(std::move(result));
}

void replace(const Issued& file, const Issued& by) {
  for (const auto& [to, from] : {std::pair(file.certificate, by.certificate), std::pair(file.key, by.key)}) {
    std::filesystem::copy_file(from, to + ".new");
    std::filesystem::rename(to + ".new", to);
  }
}

}  // namespace

TEST_CASE("contexts whose settings and files are the same are the same objects") {
  Authority authority;
  const auto first = authority.issue();
  const auto second = authority.issue();
  const auto before = load(two_listeners(first, second), {});
  const auto same = load(two_listeners(first, second, "workers: 3\n"), before.tls);
  CHECK(same.tls.contexts->listeners == before.tls.contexts->listeners);

  const auto swapped = load(two_listeners(second, first), before.tls);
  CHECK(swapped.tls.contexts->listeners[0] == before.tls.contexts->listeners[1]);
  CHECK(swapped.tls.contexts->listeners[1] == before.tls.contexts->listeners[0]);

  replace(second, authority.issue());
  const auto renewed = load(two_listeners(first, second), before.tls);
  CHECK(renewed.tls.contexts->listeners[0] == before.tls.contexts->listeners[0]);
  CHECK(renewed.tls.contexts->listeners[1] != before.tls.contexts->listeners[1]);
}

TEST_CASE("a reload serves the certificate that lies in the file now; connections stay") {
  Authority authority;
  const auto issued = authority.issue();
  const auto yaml = "listeners: [ { address: '127.0.0.1:0', tls: { " + files(issued) +
                    " } } ]\nroutes: [ { path: /, respond: { body: x } } ]\n";
  GatewayFixture gateway(yaml);
  TlsClientSide client(authority);
  RawClient open(gateway.port(), client.session());
  CHECK(open.get().body == "x");
  const auto serial = [](const RawClient& connection) {
    const net::X509Ptr shown(::SSL_get1_peer_certificate(connection.ssl()));
    return ::ASN1_INTEGER_get(::X509_get0_serialNumber(shown.get()));
  };
  replace(issued, authority.issue());
  CHECK(gateway.reload(yaml).succeeded);
  CHECK(open.get().body == "x");
  RawClient next(gateway.port(), client.session());
  CHECK(next.get().body == "x");
  CHECK(serial(next) != serial(open));

  std::filesystem::copy_file(authority.write("broken.pem", "nonsense"), issued.certificate,
                             std::filesystem::copy_options::overwrite_existing);
  const auto outcome = gateway.reload(yaml);
  CHECK_FALSE(outcome.succeeded);
  CHECK(outcome.text.find(issued.certificate) != std::string::npos);
  RawClient last(gateway.port(), client.session());
  CHECK(serial(last) == serial(next));
}
