// Endpoints that stand in a file, while they change under requests and WebSockets.
#include <filesystem>
#include <fstream>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tidegate;
using namespace tidegate::test;
using upstream::EndpointState;

namespace {

// A gateway and the file that names its endpoints.
struct Listed {
  explicit Listed(std::initializer_list<const ScriptedBackend*> backends) { write(backends); }

  void write(std::initializer_list<const ScriptedBackend*> backends) const {
    std::string list = "endpoints:\n";
    for (const auto* backend : backends) list += "  - '" + backend->address() + "'\n";
    write_text(backends.size() == 0 ? "[]" : list);
  }
  void write_text(const std::string& text) const {
    std::ofstream(folder.file("new")) << text;
    std::filesystem::rename(folder.file("new"), file());
  }
  [[nodiscard]] std::string file() const { return folder.file("pods.yaml"); }
  [[nodiscard]] std::string yaml(const std::string& upstream = {}) const {
    return "listeners:\n  - address: 127.0.0.1:0\nroutes:\n  - path: /\n    upstream: pods\nupstreams:\n"
           "  pods:\n    file: '" +
           file() + "'\n" + upstream;
  }

  TemporaryFolder folder;
};

void wait_for_endpoints(const GatewayFixture& gateway, std::size_t count) {
  wait_until(std::to_string(count) + " endpoints", [&] { return gateway.endpoints().size() == count; });
}

}  // namespace

TEST_CASE("endpoints come and go with the file") {
  ScriptedBackend first;
  ScriptedBackend second;
  first.serve(answer_all("first"));
  second.serve(answer_all("second"));
  const Listed listed({&first});
  GatewayFixture gateway(listed.yaml());
  wait_for_endpoints(gateway, 1);
  RawClient client(gateway.port());
  CHECK(client.get().body == "first");
  listed.write({&second});
  wait_until("the second to have taken over", [&] {
    const auto all = gateway.endpoints();
    return all.size() == 1 && all.front().address == second.address();
  });
  gateway.settle();
  for (int i = 0; i < 5; ++i) CHECK(client.get().body == "second");
}

TEST_CASE("an endpoint that leaves the file gets nothing new, and its WebSockets leave by the drain") {
  EchoPod leaving;
  EchoPod staying;
  const Listed listed({&leaving.backend});
  GatewayFixture gateway(listed.yaml("    drain: { window: 1s }\n"));
  wait_for_endpoints(gateway, 1);
  auto client = open_client(gateway);
  expect_echo(client, "before");
  listed.write({&staying.backend});
  gateway.wait_for_state(leaving.backend.address(), EndpointState::draining);
  expect_close(client, 1012);
}

TEST_CASE("a list that is half written changes nothing; the admin page says why") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  const Listed listed({&backend});
  GatewayFixture gateway(listed.yaml());
  wait_for_endpoints(gateway, 1);
  listed.write_text("endpoints:\n  - { address: 127.0.");
  wait_until("the fault to be told", [&] {
    return gateway.admin("/metrics")
               .find("tidegate_discovery_up{upstream=\"pods\",source=\"file " + listed.file() + "\"} 0") !=
           std::string::npos;
  });
  CHECK(gateway.admin("/endpoints").find("pods.yaml:") != std::string::npos);
  RawClient client(gateway.port());
  CHECK(client.get().body == "x");
}

TEST_CASE("a file that is not there stops nothing: requests wait, and go on once it is") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  const Listed listed({});
  std::filesystem::remove(listed.file());
  GatewayFixture gateway(listed.yaml());
  RawClient client(gateway.port());
  client.send(get());
  wait_until("the request to wait", [&] { return gateway.waiting("pods") == 1; });
  listed.write({&backend});
  CHECK(client.read_answer().body == "x");
}

TEST_CASE("where nobody is found in time, 503 says so and the log says why") {
  const Listed listed({});
  GatewayFixture gateway(listed.yaml("    hold: { maxWait: 50ms }\n"));
  wait_until("the first word", [&] {
    return gateway.admin("/metrics").find("tidegate_discovery_up{upstream=\"pods\"") != std::string::npos;
  });
  RawClient client(gateway.port());
  const auto answer = client.get();
  CHECK(answer.status == 503);
  CHECK(answer.field("Proxy-Status").find("destination_unavailable") != std::string::npos);
  CHECK(answer.field("Proxy-Status").find("pods.yaml") == std::string::npos);  // nothing of the inside
  CHECK(answer.field("Retry-After") != "");
}
