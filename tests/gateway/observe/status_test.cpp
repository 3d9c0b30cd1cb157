#include "gateway/observe/status.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "gateway/observe/endpoints_json.hpp"
#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using upstream::EndpointReport;
using upstream::EndpointState;

namespace {

EndpointReport endpoint(std::string address, EndpointState state, std::string cause, int active = 0) {
  EndpointReport report;
  report.cluster = "soketi";
  report.name = report.address = std::move(address);
  report.state = state;
  report.active = active;
  report.last = {EndpointState::ready, state, std::move(cause), {}, sample_time()};
  return report;
}

Status sample() {
  Status status;
  status.version = "0.1.0";
  status.ready = true;
  status.workers = 2;
  status.requests = 1;
  status.tunnels = 120;
  status.reloads.last_success_at = 1'714'550'400;
  status.upstreams = {{"soketi", 120, 0}};
  status.endpoints = {endpoint("10.0.3.7:6001", EndpointState::ready, "probe: HTTP 200", 121)};
  return status;
}

const std::string kFirstLines =
    "tidegate 0.1.0: ready\n"
    "2 workers, 1 request and 120 WebSockets in progress\n";
const std::string kStarted = "configuration in force since 2024-05-01T08:00:00.000Z, the start\n";

}  // namespace

TEST_CASE("status: what is as it should be takes four lines") {
  CHECK(status_text(sample()) ==
        kFirstLines + kStarted +
            "soketi: 1 of 1 endpoint ready, 121 requests and WebSockets in progress (120 WebSockets)\n");
}

TEST_CASE("status: endpoints that are not ready, with the cause") {
  auto status = sample();
  status.endpoints.push_back(endpoint("10.0.3.8:6001", EndpointState::unready, "probe: HTTP 500", 1));
  status.endpoints.push_back(endpoint("10.0.3.9:6001", EndpointState::draining, ""));
  status.endpoints.back().name = "soketi-2";
  status.upstreams[0].waiting = 4;
  CHECK(status_text(status) == kFirstLines + kStarted +
                                   "soketi: 1 of 3 endpoints ready, 122 requests and WebSockets in progress "
                                   "(120 WebSockets), 4 held until one is ready\n"
                                   "  10.0.3.8:6001 unready since 2024-05-01T08:00:00.123Z: probe: HTTP 500\n"
                                   "  10.0.3.9:6001 (soketi-2) draining since 2024-05-01T08:00:00.123Z\n");
}

TEST_CASE("status: endpoints that are ready and take no new WebSockets, with the probe's word") {
  auto status = sample();
  conf::Upstream settings;
  settings.new_socket_probe.emplace();
  for (auto* address : {"10.0.3.8:6001", "10.0.3.9:6001"}) {
    status.endpoints.push_back(endpoint(address, EndpointState::ready, "probe: HTTP 200"));
    status.endpoints.back().sockets.configure(settings, false);
  }
  (void)status.endpoints.back().sockets.report(upstream::ProbeKind::new_socket, upstream::Verdict::fail,
                                               "HTTP 500");
  const auto text = status_text(status);
  CHECK(text.find("soketi: 3 of 3 endpoints ready, 2 of them shut to new WebSockets, 121 requests") !=
        std::string::npos);
  CHECK(text.find("\n  10.0.3.8:6001 ready, but takes no new WebSockets: newSocketProbe: no answer yet\n") !=
        std::string::npos);
  CHECK(text.find("\n  10.0.3.9:6001 ready, but takes no new WebSockets: newSocketProbe: HTTP 500\n") !=
        std::string::npos);
}

TEST_CASE("status: sources that fail, or have nobody") {
  auto status = sample();
  status.sources = {{"soketi", "dns soketi:6001", true, {}, 1, false, 1, 0},
                    {"soketi", "file /pods.yaml", true, "/pods.yaml: is not there any more", 1, false, 1, 1},
                    {"api", "kubernetes hex/api", true, {}, 1, false, 1, 0},
                    {"chat", "dns chat:80", false, "no such name", 1, false, 0, 1}};
  const auto text = status_text(status);
  CHECK(
      text.find("(120 WebSockets)\n  file /pods.yaml fails: /pods.yaml: is not there any more; what it said "
                "last stays\n") != std::string::npos);
  CHECK(text.find("\napi (removed): 0 of 0 endpoints ready, 0 requests and WebSockets in progress\n"
                  "  kubernetes hex/api has no endpoints\n") != std::string::npos);
  CHECK(text.find("\n  dns chat:80 fails: no such name; it has told no endpoints yet\n") !=
        std::string::npos);
  CHECK(text.find("dns soketi") == std::string::npos);
}

TEST_CASE("status: an upstream without endpoints is shown, and one that is going too") {
  auto status = sample();
  status.upstreams = {{"api", 0, 0}};
  const auto text = status_text(status);
  CHECK(text.find("\napi: 0 of 0 endpoints ready, 0 requests and WebSockets in progress\n") !=
        std::string::npos);
  CHECK(text.find("\nsoketi (removed): 1 of 1 endpoint ready, 121 ") != std::string::npos);
}

TEST_CASE("status: a long list of endpoints is cut, and says so") {
  auto status = sample();
  for (int i = 0; i < 25; ++i)
    status.endpoints.push_back(
        endpoint("10.0.4." + std::to_string(i) + ":6001", EndpointState::unready, "refused"));
  const auto text = status_text(status);
  CHECK(text.find("10.0.4.19:6001") != std::string::npos);
  CHECK(text.find("10.0.4.20:6001") == std::string::npos);
  CHECK(text.find("\n  and 5 more; /endpoints lists them all\n") != std::string::npos);
}

TEST_CASE("status: the first lines") {
  struct Row {
    std::string name;
    void (*change)(Status&);
    std::string expected;  // is in the text
  };
  const std::vector<Row> rows{
      {"not ready",
       [](Status& status) {
         status.ready = false;
         status.why = "draining";
       },
       "tidegate 0.1.0: not ready: draining\n"},
      {"one of each",
       [](Status& status) {
         status.workers = 1;
         status.requests = 2;
         status.tunnels = 1;
       },
       "\n1 worker, 2 requests and 1 WebSocket in progress\n"},
      {"reloaded", [](Status& status) { status.reloads.succeeded = 1; },
       "\nconfiguration in force since 2024-05-01T08:00:00.000Z, by a reload\n"},
      {"a reload failed",
       [](Status& status) {
         status.reloads.failed = 1;
         status.reloads.last_succeeded = false;
         status.reload_fault = "a.yaml:2:1: one\na.yaml:3:1: two";
       },
       "\nconfiguration in force since 2024-05-01T08:00:00.000Z; the last reload failed:\n"
       "  a.yaml:2:1: one\n  a.yaml:3:1: two\nsoketi: "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    auto status = sample();
    row.change(status);
    CHECK(status_text(status).find(row.expected) != std::string::npos);
  }
}

TEST_CASE("status: as JSON, with everything that /endpoints has") {
  auto status = sample();
  status.reloads.failed = 3;
  const auto page = endpoints_json(status.endpoints, {});
  const auto text = status_json(status, page);
  CHECK(text.back() == '\n');
  const auto value = boost::json::parse(text);
  CHECK(value.at("version").as_string() == "0.1.0");
  CHECK(value.at("ready").as_bool());
  CHECK(value.at("why").as_string().empty());
  CHECK(value.at("workers").to_number<int>() == 2);
  CHECK(value.at("requests").to_number<int>() == 1);
  CHECK(value.at("tunnels").to_number<int>() == 120);
  CHECK(value.at("reload").at("failed").to_number<int>() == 3);
  CHECK(value.at("reload").at("lastSucceeded").as_bool());
  CHECK(value.at("reload").at("inForceSince").as_string() == "2024-05-01T08:00:00.000Z");
  CHECK(value.at("upstreams").at(0).at("name").as_string() == "soketi");
  CHECK(value.at("upstreams").at(0).at("tunnels").to_number<int>() == 120);
  CHECK(value.at("endpoints") == boost::json::parse(page).at("endpoints"));
}
