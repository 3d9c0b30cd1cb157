#include "gateway/observe/metrics_text.hpp"

#include <set>
#include <sstream>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/observe/endpoints_json.hpp"
#include "tests/gateway/observe/files.hpp"
#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"
#include "upstream/registry.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using upstream::EndpointReport;
using upstream::EndpointState;

namespace {

EndpointReport endpoint(std::string name, upstream::EndpointId id, EndpointState state) {
  EndpointReport report;
  report.cluster = "soketi";
  report.id = id;
  report.name = std::move(name);
  report.address = "10.0.0.1:6001";
  report.state = state;
  report.active = 7;
  report.last = {EndpointState::probing, state, "probe: HTTP 200", {}, sample_time()};
  report.transitions = 2;
  return report;
}

// Everything filled, with names that need escaping.
std::string sample_text() {
  Metrics metrics(2);
  for (const auto* name : {"soketi", "we\"ird\\\n\xff"}) {
    auto& series = metrics.upstream(name);
    for (std::size_t i = 0; i < 2; ++i) {
      count_request(metrics.worker(i), &series.worker(i), plain_record());
      count_request(metrics.worker(i), &series.worker(i), tunnel_record());
      count_request(metrics.worker(i), &series.worker(i), refused_record());
      count_tunnel_end(series.worker(i), sample_tunnel());
      series.worker(i).tunnels.add(2);
      series.worker(i).tunnels.subtract();
      series.worker(i).holds[0].add();
    }
  }
  const std::vector<EndpointReport> endpoints{endpoint("pod-0", 1, EndpointState::draining),
                                              endpoint("pod-0", 2, EndpointState::ready),
                                              endpoint("pod-1", 3, EndpointState::unready)};
  return metrics_text({metrics, endpoints, read_process_facts(), 3, 4, true, "0.1.0"});
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the exposition adds up workers") {
  const auto text = sample_text();
  CHECK(has_line(text, "# TYPE tidegate_retries_total counter"));
  CHECK(has_line(text, "tidegate_retries_total{upstream=\"soketi\"} 0"));
  CHECK(has_line(text, "tidegate_repicks_total{upstream=\"soketi\"} 0"));
  CHECK(has_line(text, "tidegate_redrives_total{upstream=\"soketi\"} 0"));
  CHECK(has_line(text, "tidegate_leave_signals_total{upstream=\"soketi\",sign=\"clients\"} 0"));
  CHECK(has_line(text, "tidegate_leave_signals_total{upstream=\"soketi\",sign=\"newcomers\"} 0"));
  CHECK(has_line(text, "tidegate_holds_total{upstream=\"soketi\",result=\"granted\"} 2"));
  CHECK(has_line(text, "tidegate_tunnels{upstream=\"soketi\"} 2"));
  CHECK(has_line(text, "tidegate_handshakes_total{upstream=\"soketi\",result=\"accepted\"} 2"));
  CHECK(has_line(text, "tidegate_requests_total{upstream=\"soketi\",code=\"5xx\"} 2"));
  CHECK(has_line(text, "tidegate_requests_total{upstream=\"\",code=\"4xx\"} 0"));
  CHECK(has_line(text, "tidegate_local_replies_total{status=\"502\",reason=\"connection_refused\"} 4"));
  CHECK(has_line(text, "tidegate_log_lines_dropped_total{log=\"access\"} 3"));
  CHECK(has_line(text, "tidegate_request_duration_seconds_bucket{upstream=\"soketi\",le=\"0.025\"} 4"));
  CHECK(has_line(text, "tidegate_request_duration_seconds_bucket{upstream=\"soketi\",le=\"+Inf\"} 4"));
  CHECK(has_line(text, "tidegate_tunnel_life_seconds_sum{upstream=\"soketi\"} 123"));
  CHECK(has_line(text, "tidegate_tunnels_closed_total{upstream=\"soketi\",by=\"client\",code=\"1001\"} 2"));
}

TEST_CASE("no series occurs twice, even when a leaving endpoint and its successor share an address") {
  std::istringstream lines(sample_text());
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    const auto series = line.substr(0, line.rfind(' '));
    CAPTURE(series);
    CHECK((line[0] == '#' || seen.insert(series).second));
  }
  const auto text = sample_text();
  CHECK(has_line(
      text, "tidegate_endpoint_active{upstream=\"soketi\",endpoint=\"pod-0\",address=\"10.0.0.1:6001\"} 14"));
  CHECK(has_line(text,
                 "tidegate_endpoint_state{upstream=\"soketi\",endpoint=\"pod-1\",address=\"10.0.0.1:6001\","
                 "state=\"unready\"} 1"));
}

TEST_CASE("promtool finds no fault with the metrics") {
  if (::access("/usr/bin/promtool", X_OK) != 0) {
    WARN("skipped: /usr/bin/promtool is not installed");
    return;
  }
  const TemporaryFolder folder;
  auto* const pipe =
      ::popen(("/usr/bin/promtool check metrics >" + folder.file("out") + " 2>&1").c_str(), "w");
  REQUIRE(pipe != nullptr);
  const auto text = sample_text();
  ::fwrite(text.data(), 1, text.size(), pipe);
  const int status = ::pclose(pipe);
  INFO(read_file(folder.file("out")));
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("process facts are those of this process") {
  const auto before = read_process_facts();
  CHECK(before.open_descriptors >= 3);
  CHECK(before.descriptor_limit >= before.open_descriptors);
  CHECK(before.resident_bytes > 100'000);
  CHECK(before.virtual_bytes >= before.resident_bytes);
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(before.start_time_seconds > now - 3600);
  CHECK(before.start_time_seconds < now + 2);

  auto* const file = ::tmpfile();
  CHECK(read_process_facts().open_descriptors == before.open_descriptors + 1);
  ::fclose(file);
}

TEST_CASE("endpoints as JSON, in order") {
  const auto value = boost::json::parse(endpoints_json(
      {endpoint("pod-1", 3, EndpointState::unready), endpoint("pod-0", 2, EndpointState::ready),
       endpoint("pod-0", 1, EndpointState::draining)},
      {}));
  const auto& rows = value.at("endpoints").as_array();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].at("id") == 1);
  CHECK(rows[1].at("id") == 2);
  CHECK(rows[2].at("name") == "pod-1");
  CHECK(rows[2].at("cluster") == "soketi");
  CHECK(rows[2].at("address") == "10.0.0.1:6001");
  CHECK(rows[2].at("state") == "unready");
  CHECK(rows[2].at("cause") == "probe: HTTP 200");
  CHECK(rows[2].at("since") == "2024-05-01T08:00:00.123Z");
  CHECK(rows[2].at("active") == 7);
  CHECK(rows[2].at("transitions") == 2);
  CHECK(rows[2].at("weight") == 1);
  CHECK(rows[2].at("takesNewSockets") == true);
  CHECK(rows[2].at("newSocketsCause") == "");
}

TEST_CASE("an endpoint that takes no new sockets is told with the reason") {
  conf::Upstream settings;
  settings.new_socket_probe.emplace();
  auto shut = endpoint("pod-2", 4, EndpointState::ready);
  shut.sockets.configure(settings, false);
  (void)shut.sockets.report(upstream::ProbeKind::new_socket, upstream::Verdict::fail, "HTTP 500 in 1.2 ms");
  const auto value = boost::json::parse(endpoints_json({shut}, {}));
  CHECK(value.at("endpoints").at(0).at("takesNewSockets") == false);
  CHECK(value.at("endpoints").at(0).at("newSocketsCause") == "newSocketProbe: HTTP 500 in 1.2 ms");
  Metrics metrics(1);
  const std::vector<EndpointReport> endpoints{endpoint("pod-1", 3, EndpointState::ready), shut};
  const auto text = metrics_text({metrics, endpoints, read_process_facts(), 0, 0, true, "0.1.0"});
  const std::string series = "tidegate_endpoint_takes_new_sockets{upstream=\"soketi\",endpoint=";
  CHECK(has_line(text, series + "\"pod-1\",address=\"10.0.0.1:6001\"} 1"));
  CHECK(has_line(text, series + "\"pod-2\",address=\"10.0.0.1:6001\"} 0"));
}
