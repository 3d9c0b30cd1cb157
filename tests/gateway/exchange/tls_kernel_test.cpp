// `tls.kernel`: the same service whether the kernel takes the encryption over or not, and a word where it
// does not.
#include <filesystem>
#include <string>
#include <vector>

#include "gateway/process/tls_contexts.hpp"
#include "tests/conf/reading.hpp"
#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/tls_client.hpp"
#include "wire/net/kernel_tls.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::string listener_with(const Issued& issued, const std::string& more) {
  return "listeners:\n  - address: 127.0.0.1:0\n    tls: { certificate: " + issued.certificate +
         ", key: " + issued.key + more + " }\n";
}

std::vector<std::string> warnings_for(const std::string& yaml) {
  const auto now = std::chrono::system_clock::now();
  conf::ConfigErrors faults;
  const auto keys = std::make_shared<net::TicketKeys>(std::chrono::hours(1));
  const auto config = conf::config_of(yaml);
  const auto contexts = gateway::make_tls_contexts(config, keys, now, faults);
  CHECK(faults.empty());
  return gateway::tls_warnings(config, contexts, now);
}

}  // namespace

TEST_CASE("tls.kernel serves with and without a kernel that encrypts") {
  Authority ca;
  ScriptedBackend pod;
  const std::string body(300'000, 'b');
  pod.serve(answer_all(body));
  GatewayFixture gateway(listener_with(ca.issue({{"a.test"}}), ", kernel: true") +
                         "upstreams:\n  pods:\n    endpoints: [\"" + pod.address() + "\"]\n");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TlsClientSide side(ca);
    RawClient client(gateway.port(), side.versions(version, version).session());
    client.send(post(body));
    CHECK(client.read_answer().body == body);
    CHECK(client.get().body == body);
  }
}

TEST_CASE("tls.kernel where the kernel cannot: one warning that says why, and none where nobody asked") {
  Authority ca;
  const auto issued = ca.issue({{"a.test"}});
  std::filesystem::permissions(issued.key, std::filesystem::perms::owner_read);
  const std::string rest = "upstreams: { pods: { endpoints: [\"127.0.0.1:1\"] } }\n";
  CHECK(warnings_for(listener_with(issued, "") + rest).empty());
  const auto warnings = warnings_for(listener_with(issued, ", kernel: true") + rest);
  const auto fault = net::kernel_tls_fault();
  if (fault.empty()) {
    CHECK(warnings.empty());
  } else {
    REQUIRE(warnings.size() == 1);
    CHECK(warnings.front() == "`tls.kernel` has no effect: " + fault);
  }
}
