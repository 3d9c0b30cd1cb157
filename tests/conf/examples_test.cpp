#include <filesystem>
#include <vector>

#include "tests/conf/reading.hpp"

using namespace tidegate::conf;

namespace {

Config load(const std::string& name) {
  ReadResult result = read_yaml_file(TIDEGATE_EXAMPLES "/" + name);
  if (const auto* errors = std::get_if<ConfigErrors>(&result)) {
    for (const auto& error : *errors) UNSCOPED_INFO(error.text());
  }
  REQUIRE(std::holds_alternative<Config>(result));
  return std::get<Config>(std::move(result));
}

}  // namespace

TEST_CASE("every example is a good configuration") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TIDEGATE_EXAMPLES)) {
    if (entry.path().extension() != ".yaml") continue;
    CAPTURE(entry.path().filename().string());
    (void)load(entry.path().filename().string());
    ++count;
  }
  CHECK(count >= 3);
}

TEST_CASE("the quick start is what it says") {
  const Config config = load("quickstart.yaml");
  REQUIRE(config.listeners.size() == 1);
  CHECK(config.listeners[0].address.text() == "127.0.0.1:8080");
  CHECK(config.admin.address.text() == "127.0.0.1:9901");
  REQUIRE(config.upstreams.size() == 1);
  const Upstream& upstream = config.upstreams[0];
  CHECK(upstream.name == "soketi");
  CHECK(upstream.balance.kind == Balance::least_connections);
  REQUIRE(upstream.endpoints.size() == 3);
  CHECK(upstream.endpoints[2].address.text() == "127.0.0.1:6003");
  REQUIRE(upstream.probe.has_value());
  CHECK(upstream.probe->period == std::chrono::seconds(2));
  const auto& http_get = std::get<HttpGetAction>(upstream.probe->action);
  CHECK(http_get.path == "/ready");
  REQUIRE(http_get.http_headers.size() == 1);
  CHECK(http_get.http_headers[0].name == "X-Kube-Healthcheck");
  CHECK(http_get.http_headers[0].value == "Yes");
  CHECK(upstream.hold.enabled);
  CHECK(upstream.retry.enabled);
}

TEST_CASE("the example behind a balancer has what it is for") {
  const Config config = load("behind-balancer.yaml");
  const auto& listener = config.listeners.at(0);
  CHECK(listener.proxy_protocol.value().from.size() == 1);
  CHECK(listener.body_pace.bytes_per_second > 0);
  CHECK(config.is_written("listeners[0].underscoresInHeaders"));
  CHECK(listener.tls.value().certificates.at(0).staple.fetch);
  CHECK_FALSE(config.ticket_keys.empty());
  CHECK(config.buffer_memory > 0);
  CHECK(config.limits.at(0).dry_run);
  const auto& pods = config.upstreams.at(0);
  CHECK(pods.proxy_protocol == ProxyProtocolOut::v2);
  CHECK(pods.source_addresses.size() == 2);
  CHECK_FALSE(pods.tls.value().ca.empty());
  CHECK_FALSE(pods.tls.value().certificate.key.empty());
}

TEST_CASE("a file that cannot be read says why") {
  const ReadResult missing = read_yaml_file("/nonexistent/tidegate.yaml");
  const auto& errors = std::get<ConfigErrors>(missing);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].text() == "/nonexistent/tidegate.yaml: cannot be opened: No such file or directory");
  const ReadResult folder = read_yaml_file("/");
  CHECK(std::get<ConfigErrors>(folder)[0].text().find("Is a directory") != std::string::npos);
  const ReadResult endless = read_yaml_file("/dev/zero");
  CHECK(std::get<ConfigErrors>(endless)[0].message.find("larger than") != std::string::npos);
}
