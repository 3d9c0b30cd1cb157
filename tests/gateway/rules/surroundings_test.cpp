// What a configuration counts on beyond its own text.
#include "gateway/process/surroundings.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/conf/reading.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tidegate;
using gateway::look_around;

namespace {

const std::string kServing = "listeners: ['127.0.0.1:0']\n";
const std::string kUpstream = "upstreams: { a: { endpoints: ['127.0.0.1:1'] } }\n";

// With these endpoints and source addresses.
gateway::Surroundings around(const std::string& endpoints, const std::string& sources) {
  return look_around(conf::config_of(kServing + "upstreams:\n  a:\n    endpoints: [" + endpoints +
                                     "]\n    sourceAddresses: [" + sources + "]\n"));
}

gateway::Surroundings around(const std::string& more) {
  return look_around(conf::config_of(kServing + kUpstream + more));
}

}  // namespace

TEST_CASE("source addresses of this machine are as they should be") {
  const auto found = around("'127.0.0.1:1'", "127.0.0.7, 127.0.0.8");
  CHECK(found.lacking.empty());
  CHECK(found.doubtful.empty());
}

TEST_CASE("a source address that no interface has is named with its place") {
  const auto found = around("'127.0.0.1:1'", "192.0.2.1, 198.51.100.1");  // RFC 5737: nobody's
  REQUIRE(found.lacking.size() == 2);
  CHECK(found.lacking[1].text().starts_with(
      "t.yaml:5:34: upstreams.a.sourceAddresses[1]: `198.51.100.1` is no address of this machine"));
  CHECK(found.doubtful.empty());
}

TEST_CASE("one source address that works is enough to start with") {
  const auto found = around("'127.0.0.1:1'", "127.0.0.7, 192.0.2.1");
  CHECK(found.lacking.empty());
  REQUIRE(found.doubtful.size() == 1);
  CHECK(found.doubtful[0].text().starts_with(
      "t.yaml:5:34: upstreams.a.sourceAddresses[1]: `192.0.2.1` is no address of this machine"));
  // One that no connection can come from does not count.
  CHECK(around("'127.0.0.1:1'", "'::1', 192.0.2.1").lacking.size() == 1);
}

TEST_CASE("a listener's address that no interface has is named with its place") {
  const auto found =
      look_around(conf::config_of("listeners:\n  - { address: '192.0.2.1:80' }\n" + kUpstream));
  REQUIRE(found.lacking.size() == 1);
  CHECK(found.lacking[0].text() ==
        "t.yaml:2:16: listeners[0].address: cannot listen on 192.0.2.1:80: no interface of this machine has "
        "that address");
  CHECK(look_around(conf::config_of("listeners: [':0', '127.0.0.1:0']\n" + kUpstream)).lacking.empty());
}

TEST_CASE("a source address of a family that no endpoint has is never used") {
  const auto found = around("'127.0.0.1:1'", "127.0.0.7, '::1'");
  REQUIRE(found.doubtful.size() == 1);
  CHECK(found.doubtful[0].text().starts_with(
      "t.yaml:5:34: upstreams.a.sourceAddresses[1]: `::1` is never used: no endpoint of `a` has an IPv6 "));
  CHECK(around("'127.0.0.1:1', '[::1]:1'", "127.0.0.7, '::1'").doubtful.empty());
  // Nobody knows yet which addresses a name has.
  CHECK(around("'pods:1'", "127.0.0.7, '::1'").doubtful.empty());
}

TEST_CASE("logs that cannot be written are told with their key") {
  const test::TemporaryFolder folder;
  const auto fault_of = [](const std::string& log) {
    const auto found = around("log: " + log + "\n");
    return found.lacking.empty() ? std::string() : found.lacking.at(0).text();
  };
  CHECK(fault_of("{ access: stdout, error: { path: stderr } }").empty());
  CHECK(fault_of("{ access: " + folder.path() + "/new.log }").empty());
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/new.log"));
  CHECK(fault_of("{ access: /dev/null }").empty());
  CHECK(fault_of("{ access: off }").empty());
  CHECK(fault_of("{ access: " + folder.path() + "/none/a.log }") ==
        "t.yaml:3:16: log.access: " + folder.path() + "/none/a.log: its directory " + folder.path() +
            "/none does not exist: create it, or choose another");
  CHECK(fault_of("{ access: { path: " + folder.path() + " } }") ==
        "t.yaml:3:24: log.access.path: " + folder.path() +
            ": is a directory: write the name of a file in it");
  CHECK(fault_of("{ error: { path: /none/e.log } }").starts_with("t.yaml:3:23: log.error.path: /none/e.log"));
  if (::geteuid() == 0) return;  // who may do anything
  REQUIRE(::chmod(folder.path().c_str(), 0500) == 0);
  CHECK(fault_of("{ access: " + folder.path() + "/a.log }").find("Permission denied") != std::string::npos);
  REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);
}

TEST_CASE("a webroot that is not there is told, and keeps nobody from starting") {
  const test::TemporaryFolder folder;
  const auto found = around("acmeChallenges: " + folder.path() + "/none\n");
  CHECK(found.lacking.empty());
  REQUIRE(found.doubtful.size() == 1);
  CHECK(found.doubtful[0].text() == "t.yaml:3:17: acmeChallenges: " + folder.path() +
                                        "/none: does not exist: create it; until then every challenge gets "
                                        "404");
  CHECK(around("acmeChallenges: " + folder.path() + "\n").doubtful.empty());
  std::ofstream(folder.path() + "/file") << "x";
  CHECK(around("acmeChallenges: " + folder.path() + "/file\n").doubtful.size() == 1);
}

TEST_CASE("a directory for what outlives a restart that is not there is told") {
  const test::TemporaryFolder folder;
  CHECK(around("stateDirectory: " + folder.path() + "\n").doubtful.empty());
  const auto found = around("stateDirectory: " + folder.path() + "/none\n");
  REQUIRE(found.doubtful.size() == 1);
  CHECK(found.doubtful[0].text() == "t.yaml:3:17: stateDirectory: " + folder.path() +
                                        "/none: does not exist: create it; until then nothing outlives a "
                                        "restart");
  std::ofstream(folder.path() + "/file") << "x";
  const auto file = around("stateDirectory: " + folder.path() + "/file\n");
  REQUIRE(file.doubtful.size() == 1);
  CHECK(file.doubtful[0].message.find("/file: is not a directory") != std::string::npos);
}

TEST_CASE("a source of endpoints that has nothing to read here is told, and keeps nobody from starting") {
  const test::TemporaryFolder folder;
  const auto with = [](const std::string& source) {
    return look_around(conf::config_of(kServing + "upstreams:\n  a:\n    " + source + "\n"));
  };
  const auto missing = with("file: " + folder.path() + "/pods.yaml");
  CHECK(missing.lacking.empty());
  REQUIRE(missing.doubtful.size() == 1);
  CHECK(missing.doubtful[0].text() == "t.yaml:4:11: upstreams.a.file: " + folder.path() +
                                          "/pods.yaml: cannot be read: No such file or directory; until then "
                                          "there are no endpoints from it");
  std::ofstream(folder.path() + "/pods.yaml") << "[]";
  CHECK(with("file: " + folder.path() + "/pods.yaml").doubtful.empty());
  const auto kubeconfig = with("kubernetes: { service: a, kubeconfig: /nope }");
  REQUIRE(kubeconfig.doubtful.size() == 1);
  CHECK(kubeconfig.doubtful[0].path == "upstreams.a.kubernetes.kubeconfig");
  const auto pod = with("kubernetes: { service: a, namespace: b }");
  CHECK(pod.doubtful.size() == (std::getenv("KUBERNETES_SERVICE_HOST") == nullptr ? 1U : 0U));
}
