#include "health/checker.hpp"

#include <algorithm>
#include <optional>

#include "tests/health/scripted_pod.hpp"
#include "tests/support/catch.hpp"
#include "upstream/registry.hpp"

using namespace tidegate;
using namespace tidegate::health;
using namespace std::chrono_literals;
using upstream::Clock;
using upstream::EndpointId;
using upstream::EndpointState;
using upstream::Verdict;

namespace {

using Behaviour = ScriptedPod::Behaviour;

// Checker and registry wired as control wires them.
struct Scene {
  boost::asio::io_context context;
  std::vector<std::string> reports;  // "1 pass probe: HTTP 200"; times cut off
  std::vector<std::string> shared;   // "pods: ws-1 and ws-2"
  std::optional<Checker> checker;
  upstream::Registry registry;
  std::vector<std::unique_ptr<ScriptedPod>> pods;
  std::shared_ptr<conf::Upstream> settings = std::make_shared<conf::Upstream>();

  explicit Scene(int pod_count = 1, std::size_t most_probes = 256)
      : registry(upstream::Registry::Listener{[this](const upstream::ClusterViewPtr& view) {
                                                if (checker) checker->watch(*view);
                                              },
                                              {}}) {
    Checker::Options options;
    options.most_probes = most_probes;
    options.shared = [this](const SharedAddress& found) {
      CHECK(found.endpoint->id() == 1);
      shared.push_back(found.cluster + ": " + found.names);
    };
    checker.emplace(
        context, [this](const Finding& finding) { take(finding.endpoint, finding.verdict, finding.cause); },
        options);
    settings->name = "pods";
    settings->probe.emplace();
    for (int index = 0; index < pod_count; ++index) {
      pods.push_back(std::make_unique<ScriptedPod>(context));
      settings->endpoints.push_back({pods.back()->address(), 1, {}, {}});
    }
  }

  void take(EndpointId id, Verdict verdict, std::string cause) {
    reports.push_back(std::to_string(id) + (verdict == Verdict::pass ? " pass " : " fail ") +
                      cause.substr(0, cause.find(" in ")));
    registry.report_verdict(id, verdict, std::move(cause), Clock::now());
  }
  // Passes on the settings as they are now.
  void set() { registry.set_cluster(std::make_shared<conf::Upstream>(*settings), Clock::now()); }
  // A worker meets a refusal.
  void refuse(EndpointId id) {
    static_cast<void>(endpoint(id).refuse());
    registry.report_verdict(id, Verdict::fail, "refused", Clock::now());
    checker->suspect(id);
  }
  upstream::Endpoint& endpoint(EndpointId id) {
    for (const auto& member : registry.view("pods")->members) {
      if (member.endpoint->id() == id) return *member.endpoint;
    }
    throw std::logic_error("no such endpoint");
  }
  bool until(const std::function<bool()>& condition) { return run_until(context, condition); }
  bool until_state(EndpointId id, EndpointState state) {
    return until([&] { return endpoint(id).state() == state; });
  }
  bool until_reports(std::size_t count) {
    return until([&] { return reports.size() >= count; });
  }
  void run_for(std::chrono::milliseconds span) {
    const auto end = Clock::now() + span;
    while (Clock::now() < end) {
      context.restart();
      context.run_one_until(end);
    }
  }
};

using Reports = std::vector<std::string>;

}  // namespace

TEST_CASE("probes begin at once and the first answer decides") {
  Scene scene(3);
  scene.pods[1]->answer(503);
  scene.pods[2]->stop();
  const auto began = Clock::now();
  scene.set();
  CHECK(scene.endpoint(1).state() == EndpointState::probing);
  REQUIRE(scene.until_reports(3));
  CHECK(Clock::now() - began < 1s);
  CHECK(scene.endpoint(1).state() == EndpointState::ready);
  CHECK(scene.endpoint(2).state() == EndpointState::unready);
  CHECK(scene.endpoint(3).state() == EndpointState::unready);
  std::ranges::sort(scene.reports);
  CHECK(scene.reports == Reports{"1 pass probe: HTTP 200", "2 fail probe: HTTP 503",
                                 "3 fail probe: connect: Connection refused"});
}

TEST_CASE("an endpoint that failed is probed faster than its period") {
  Scene scene;
  scene.settings->probe->period = 60s;
  scene.pods[0]->answer(503);
  scene.set();
  REQUIRE(scene.until_state(1, EndpointState::unready));
  scene.pods[0]->answer(200);
  CHECK(scene.until_state(1, EndpointState::ready));
}

TEST_CASE("a refusal that a worker met is probed at once, and refusals in plenty cause no storm") {
  Scene scene;
  scene.settings->probe->period = 60s;
  scene.set();
  REQUIRE(scene.until_state(1, EndpointState::ready));
  scene.pods[0]->answer(503);
  const auto began = Clock::now();
  const auto before = scene.pods[0]->requests().size();
  REQUIRE(scene.until([&] {
    scene.refuse(1);
    return Clock::now() - began > 300ms;
  }));
  const auto probes = scene.pods[0]->requests().size() - before;
  CHECK(probes >= 2);
  CHECK(probes <= 8);
  CHECK(scene.endpoint(1).state() == EndpointState::unready);

  scene.pods[0]->answer(200);
  scene.refuse(1);
  const auto suspected = Clock::now();
  REQUIRE(scene.until_state(1, EndpointState::ready));
  CHECK(Clock::now() - suspected < 900ms);
}

TEST_CASE("a pass that began before a refusal does not bring the endpoint back") {
  Scene scene;
  scene.settings->probe->period = 60s;
  scene.set();
  REQUIRE(scene.until_state(1, EndpointState::ready));
  scene.refuse(1);
  // The probe is in flight: the pod has its request, the answer is not read yet.
  REQUIRE(scene.until([&] { return scene.pods[0]->requests().size() == 2; }));
  scene.refuse(1);
  REQUIRE(scene.until_state(1, EndpointState::ready));
  CHECK(scene.pods[0]->requests().size() == 3);
}

TEST_CASE("while requests wait, endpoints that are not ready are probed often") {
  Scene scene;
  scene.settings->probe->period = 60s;
  scene.pods[0]->answer(503);
  scene.set();
  REQUIRE(scene.until_state(1, EndpointState::unready));
  scene.checker->set_waiting("pods", true);
  const auto began = Clock::now();
  const auto before = scene.pods[0]->requests().size();
  REQUIRE(scene.until([&] { return scene.pods[0]->requests().size() >= before + 4; }));
  CHECK(Clock::now() - began < 2500ms);  // four times 250 ms; at one a second it would be more than 3 s
  scene.checker->set_waiting("pods", false);
  scene.checker->set_waiting("others", true);
}

TEST_CASE("without a probe nothing is sent until a refusal, then a connect brings it back") {
  Scene scene;
  scene.settings->probe.reset();
  scene.set();
  CHECK(scene.endpoint(1).state() == EndpointState::ready);
  scene.run_for(50ms);
  CHECK(scene.pods[0]->accepted() == 0);

  scene.pods[0]->stop();
  scene.refuse(1);
  const auto refused = Clock::now();
  SECTION("after a second") {
    scene.pods[0]->listen();
    REQUIRE(scene.until_state(1, EndpointState::ready));
    CHECK(Clock::now() - refused >= 850ms);
  }
  SECTION("sooner while requests wait") {
    scene.checker->set_waiting("pods", true);
    scene.run_for(300ms);
    CHECK(scene.endpoint(1).state() == EndpointState::unready);
    scene.pods[0]->listen();
    REQUIRE(scene.until_state(1, EndpointState::ready));
    CHECK(Clock::now() - refused < 850ms);
  }
  CHECK(scene.reports == Reports{"1 pass probe: TCP connect"});
  CHECK(scene.pods[0]->requests().empty());
}

TEST_CASE("a verdict survives a reload, with the same probe and with another") {
  Scene scene;
  scene.set();
  REQUIRE(scene.until_state(1, EndpointState::ready));
  const auto probes = scene.pods[0]->requests().size();
  SECTION("the same: nothing is sent anew") {
    scene.set();
    scene.run_for(100ms);
    CHECK(scene.pods[0]->requests().size() == probes);
  }
  SECTION("another: sent at once, ready meanwhile") {
    std::get<conf::HttpGetAction>(scene.settings->probe->action).path = "/other";
    scene.set();
    CHECK(scene.endpoint(1).state() == EndpointState::ready);
    REQUIRE(scene.until([&] { return scene.pods[0]->requests().size() > probes; }));
    CHECK(scene.pods[0]->requests().back().starts_with("GET /other "));
  }
  SECTION("one is taken away") {
    scene.settings->probe.reset();
    scene.set();
    scene.run_for(100ms);
    CHECK(scene.pods[0]->requests().size() == probes);
  }
  CHECK(scene.endpoint(1).state() == EndpointState::ready);
  CHECK(scene.reports.size() == 1);
}

TEST_CASE("a draining endpoint is not probed, and one that leaves draining is probed before it is ready") {
  Scene scene;
  scene.set();
  REQUIRE(scene.until_state(1, EndpointState::ready));
  const auto probes = scene.pods[0]->requests().size();
  scene.registry.order(1, upstream::AdminOrder::drain, "operator", Clock::now());
  scene.checker->suspect(1);
  scene.run_for(100ms);
  CHECK(scene.pods[0]->requests().size() == probes);
  scene.registry.order(1, upstream::AdminOrder::none, "operator", Clock::now());
  CHECK(scene.endpoint(1).state() == EndpointState::probing);
  REQUIRE(scene.until_state(1, EndpointState::ready));
  CHECK(scene.pods[0]->requests().size() == probes + 1);
}

TEST_CASE("an endpoint that vanishes takes its probe in flight with it") {
  Scene scene(2);
  scene.pods[0]->script(Behaviour::stall);
  scene.set();
  REQUIRE(scene.until([&] { return scene.pods[0]->requests().size() == 1; }));
  SECTION("by a reload") {
    scene.settings->endpoints.erase(scene.settings->endpoints.begin());
    scene.set();
    REQUIRE(scene.until([&] { return scene.endpoint(2).eligible(); }));
  }
  SECTION("with its cluster") {
    scene.registry.remove_cluster("pods", Clock::now());
  }
  REQUIRE(scene.until([&] { return scene.pods[0]->open() == 0; }));
  for (const auto& report : scene.reports) CHECK(report.starts_with("2 "));
}

TEST_CASE("no more probes than allowed are in flight, and all have their turn") {
  Scene scene(6, 2);
  for (const auto& pod : scene.pods) pod->script(Behaviour::stall);
  scene.set();
  const auto in_flight = [&] {
    int count = 0;
    for (const auto& pod : scene.pods) count += pod->open();
    return count;
  };
  REQUIRE(scene.until([&] { return in_flight() == 2; }));
  scene.run_for(100ms);
  CHECK(in_flight() == 2);
  for (const auto& pod : scene.pods) pod->answer(200);
  REQUIRE(scene.until([&] { return scene.registry.view("pods")->eligible.size() == 6; }));
}

TEST_CASE("the verdict of a virtual address is told but does not take it out") {
  Scene scene;
  scene.settings->virtual_address = true;
  scene.set();
  scene.pods[0]->answer(503);
  REQUIRE(scene.until_reports(1));
  CHECK(scene.reports == Reports{"1 fail probe: HTTP 503"});
  CHECK(scene.endpoint(1).eligible());
}

TEST_CASE("an address whose probes are answered by several pods is told once") {
  Scene scene;
  const auto answer = [&](const std::string& pod) {
    scene.pods[0]->script(Behaviour::answer,
                          "HTTP/1.1 200 OK\r\nX-Served-By: " + pod + "\r\nContent-Length: 0\r\n\r\n");
    const auto probes = scene.pods[0]->requests().size();
    scene.checker->hurry(1);
    REQUIRE(scene.until([&] { return scene.pods[0]->requests().size() > probes; }));
    scene.run_for(20ms);
  };
  SECTION("a Service's") {}
  SECTION("one that is known to be so") {
    scene.settings->virtual_address = true;
  }
  scene.set();
  for (const auto* const pod : {"ws-1", "ws-2"}) answer(pod);
  CHECK(scene.shared.empty());  // it may have been replaced
  for (const auto* const pod : {"ws-1", "ws-2"}) answer(pod);
  if (!scene.settings->virtual_address) CHECK(scene.until([&] { return !scene.shared.empty(); }));
  CHECK(scene.shared == (scene.settings->virtual_address ? Reports{} : Reports{"pods: ws-1 and ws-2"}));
}

TEST_CASE("timeouts are counted and told with their number") {
  Scene scene;
  scene.settings->probe->failure_threshold = 2;
  scene.pods[0]->script(Behaviour::stall);
  scene.set();
  REQUIRE(scene.until_reports(1));
  CHECK(scene.reports == Reports{"1 fail probe: no answer within 1 s (waiting for the answer) (2"});
  CHECK(scene.pods[0]->requests().size() == 2);
}

TEST_CASE("a checker may go with probes in flight, waiting and queued, before its context and after") {
  Scene scene(6, 2);
  for (const auto& pod : scene.pods) pod->script(Behaviour::stall);
  scene.set();
  SECTION("before anything ran") {}
  SECTION("in flight") {
    REQUIRE(
        scene.until([&] { return scene.pods[0]->requests().size() + scene.pods[1]->requests().size() > 0; }));
  }
  SECTION("together with the context") {
    return;
  }
  scene.checker.reset();
  REQUIRE(scene.until(
      [&] { return std::ranges::all_of(scene.pods, [](const auto& pod) { return pod->open() == 0; }); }));
  scene.run_for(50ms);
  CHECK(scene.reports.empty());
}
