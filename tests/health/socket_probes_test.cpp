// The probes of new WebSockets beside the readiness probe, as control wires them.
#include <algorithm>
#include <optional>

#include "health/checker.hpp"
#include "tests/health/scripted_pod.hpp"
#include "tests/support/catch.hpp"
#include "upstream/registry.hpp"

using namespace tidegate;
using namespace tidegate::health;
using namespace std::chrono_literals;
using upstream::Clock;
using upstream::EndpointState;
using upstream::ProbeKind;
using upstream::Verdict;

namespace {

using Behaviour = ScriptedPod::Behaviour;
using Told = std::vector<std::string>;

conf::Probe get_of(const std::string& path) {
  conf::Probe probe;
  probe.action.emplace<conf::HttpGetAction>().path = path;
  return probe;
}

conf::Probe websocket_probe() {
  conf::Probe probe;
  probe.action.emplace<conf::WebSocketAction>().path = "/app";
  return probe;
}

// One pod that is well in every respect; no probe is configured.
struct Scene {
  boost::asio::io_context context;
  Told told;  // by the registry, "shut newSocketProbe: HTTP 500"; times cut off
  std::optional<Checker> checker;
  upstream::Registry registry;
  ScriptedPod pod{context};
  conf::Upstream settings;

  explicit Scene(std::size_t most_probes = 256)
      : registry(
            {[this](const upstream::ClusterViewPtr& view) {
               if (checker) checker->watch(*view);
             },
             {},
             [this](const upstream::EndpointPtr& endpoint, const std::string&, const std::string& cause) {
               told.push_back((endpoint->takes_new_sockets() ? "opens " : "shut ") +
                              cause.substr(0, cause.find(" in ")));
             }}) {
    Checker::Options options;
    options.most_probes = most_probes;
    checker.emplace(
        context, [this](const Finding& finding) { take(finding); }, options);
    settings.name = "pods";
    settings.endpoints.push_back({pod.address(), 1, {}, {}});
    pod.script(Behaviour::upgrade);
    pod.answer_at("/ready", 200);
    pod.answer_at("/accept-traffic", 200);
  }

  void take(const Finding& finding) {
    if (finding.probe == ProbeKind::readiness)
      registry.report_verdict(finding.endpoint, finding.verdict, finding.cause, Clock::now());
    else
      registry.report_sockets(finding.endpoint, finding.probe, finding.verdict, finding.cause);
  }
  void set() { registry.set_cluster(std::make_shared<conf::Upstream>(settings), Clock::now()); }
  upstream::Endpoint& endpoint() { return *registry.view("pods")->members.at(0).endpoint; }
  bool until(const std::function<bool()>& condition) { return run_until(context, condition); }
  bool until_open(bool open) {
    return until([&] { return endpoint().takes(true) == open; });
  }
  // Requests that began so.
  [[nodiscard]] std::ptrdiff_t asked(const std::string& path) const {
    return std::ranges::count_if(
        pod.requests(), [&](const std::string& head) { return head.starts_with("GET " + path + " "); });
  }
  void run_for(std::chrono::milliseconds span) {
    const auto end = Clock::now() + span;
    while (Clock::now() < end) {
      context.restart();
      context.run_one_until(end);
    }
  }
};

}  // namespace

TEST_CASE("before their first verdict no new sockets are taken, and one 'no' acts at once") {
  Scene scene;
  scene.settings.new_socket_probe = get_of("/accept-traffic");
  scene.pod.script(Behaviour::stall);
  scene.pod.answer_at("/accept-traffic", 200);
  scene.set();
  CHECK(scene.endpoint().eligible());
  CHECK_FALSE(scene.endpoint().takes(true));
  REQUIRE(scene.until_open(true));
  scene.pod.answer_at("/accept-traffic", 500);
  // The period is 10 s: a reload that changes the probe sends it at once, and holds what held until then.
  scene.settings.new_socket_probe->timeout = 2s;
  scene.set();
  CHECK(scene.endpoint().takes(true));
  REQUIRE(scene.until_open(false));
  CHECK(scene.endpoint().eligible());
  CHECK(scene.told == Told{"opens newSocketProbe: HTTP 200", "shut newSocketProbe: HTTP 500"});
}

TEST_CASE("HTTP is fine, WebSockets are broken: the endpoint is ready and takes none") {
  Scene scene;
  scene.settings.probe = get_of("/ready");
  scene.settings.websocket_probe = websocket_probe();
  scene.pod.script(Behaviour::answer, ScriptedPod::head(502));
  scene.set();
  REQUIRE(scene.until([&] { return scene.endpoint().eligible() && !scene.told.empty(); }));
  CHECK_FALSE(scene.endpoint().takes(true));
  CHECK(scene.told == Told{"shut webSocketProbe: HTTP 502 instead of 101"});
  scene.pod.script(Behaviour::upgrade);
  REQUIRE(scene.until_open(true));
  CHECK(scene.told.back() == "opens webSocketProbe: 101 and pong");
  CHECK(scene.registry.report().at(0).transitions == 2);  // added, ready
}

TEST_CASE("timeouts of a WebSocket probe are counted, and recovery wants successThreshold") {
  Scene scene;
  scene.settings.websocket_probe = websocket_probe();
  auto& probe = *scene.settings.websocket_probe;
  probe.period = 1s;
  probe.failure_threshold = 2;
  probe.success_threshold = 2;
  scene.set();
  REQUIRE(scene.until_open(true));
  CHECK(scene.asked("/app") == 2);
  scene.pod.script(Behaviour::stall);
  REQUIRE(scene.until_open(false));
  CHECK(scene.asked("/app") == 4);
  CHECK(scene.told.back().find("no answer within 1 s (waiting for the 101)") != std::string::npos);
  scene.pod.script(Behaviour::upgrade);
  REQUIRE(scene.until_open(true));
  CHECK(scene.asked("/app") == 6);
}

TEST_CASE("what takes an endpoint out is the readiness loop's affair alone") {
  Scene scene;
  scene.settings.probe = get_of("/ready");
  scene.settings.probe->period = 60s;
  scene.settings.new_socket_probe = get_of("/accept-traffic");
  scene.settings.new_socket_probe->period = 60s;
  scene.set();
  REQUIRE(scene.until_open(true));
  const auto ready = scene.asked("/ready");
  const auto others = scene.asked("/accept-traffic");
  static_cast<void>(scene.endpoint().refuse());
  scene.registry.report_verdict(1, Verdict::fail, "refused", Clock::now());
  scene.checker->suspect(1);
  scene.checker->hurry(1);
  REQUIRE(scene.until([&] { return scene.endpoint().eligible(); }));
  CHECK(scene.asked("/ready") > ready);
  CHECK(scene.asked("/accept-traffic") == others);
  CHECK(scene.endpoint().takes_new_sockets());
}

TEST_CASE("an endpoint that drains is not probed for new sockets") {
  Scene scene;
  scene.settings.websocket_probe = websocket_probe();
  scene.settings.websocket_probe->period = 1s;
  scene.set();
  REQUIRE(scene.until_open(true));
  scene.registry.order(1, upstream::AdminOrder::drain, "operator", Clock::now());
  const auto before = scene.asked("/app");
  scene.run_for(1300ms);  // longer than a period with its jitter
  CHECK(scene.asked("/app") == before);
  scene.registry.order(1, upstream::AdminOrder::none, "operator", Clock::now());
  CHECK_FALSE(scene.endpoint().takes(true));
  REQUIRE(scene.until_open(true));
}

TEST_CASE("while somebody waits a failing probe of new sockets is sent often") {
  Scene scene;
  scene.settings.new_socket_probe = get_of("/accept-traffic");
  scene.pod.answer_at("/accept-traffic", 500);
  scene.set();
  REQUIRE(scene.until([&] { return !scene.told.empty(); }));
  scene.checker->set_waiting("pods", true);
  const auto began = Clock::now();
  const auto before = scene.asked("/accept-traffic");
  REQUIRE(scene.until([&] { return scene.asked("/accept-traffic") >= before + 4; }));
  CHECK(Clock::now() - began < 2500ms);
}

TEST_CASE("a probe that is removed is not sent further, one that is added is sent at once") {
  Scene scene;
  scene.settings.new_socket_probe = get_of("/accept-traffic");
  scene.set();
  REQUIRE(scene.until_open(true));
  scene.settings.new_socket_probe.reset();
  scene.settings.websocket_probe = websocket_probe();
  scene.pod.script(Behaviour::answer, ScriptedPod::head(404));
  scene.set();
  CHECK(scene.endpoint().takes(true));  // it has not spoken yet
  REQUIRE(scene.until_open(false));
  CHECK(scene.asked("/accept-traffic") == 1);
  CHECK(scene.told.back() == "shut webSocketProbe: HTTP 404 instead of 101");
}

TEST_CASE("all probes of an endpoint share the bound of those in flight, and all have their turn") {
  Scene scene(1);
  scene.settings.probe = get_of("/ready");
  scene.settings.new_socket_probe = get_of("/accept-traffic");
  scene.settings.websocket_probe = websocket_probe();
  scene.set();
  REQUIRE(scene.until_open(true));
  CHECK(scene.asked("/ready") == 1);
  CHECK(scene.asked("/accept-traffic") == 1);
  CHECK(scene.asked("/app") == 1);
}

TEST_CASE("an endpoint that vanishes takes all its probes in flight with it") {
  Scene scene;
  scene.settings.websocket_probe = websocket_probe();
  scene.settings.new_socket_probe = get_of("/slow");
  scene.pod.script(Behaviour::stall);
  scene.set();
  REQUIRE(scene.until([&] { return scene.pod.requests().size() == 2; }));
  scene.registry.remove_cluster("pods", Clock::now());
  REQUIRE(scene.until([&] { return scene.pod.open() == 0; }));
  CHECK(scene.told.empty());
}

TEST_CASE("a virtual address takes new sockets whatever its probes say") {
  Scene scene;
  scene.settings.virtual_address = true;
  scene.settings.websocket_probe = websocket_probe();
  scene.pod.script(Behaviour::answer, ScriptedPod::head(502));
  scene.set();
  REQUIRE(scene.until(
      [&] { return scene.registry.report().at(0).sockets.verdict(ProbeKind::websocket) == Verdict::fail; }));
  CHECK(scene.endpoint().takes(true));
  CHECK(scene.told.empty());
}
