// The sources of all upstreams: opened and closed as the configuration asks, and what becomes of their word.
#include "gateway/process/discovery.hpp"

#include <map>

#include <spdlog/logger.h>

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;
using upstream::EndpointState;

namespace {

// What a test lets sources say, by their text.
struct Stage {
  struct Actor final : upstream::Source {
    Actor(Stage& on, std::string text) : stage(on), name(std::move(text)) {}
    ~Actor() override { stage.events.erase(name); }
    Stage& stage;
    std::string name;
  };

  std::unique_ptr<upstream::Source> open(const SourceSettings& settings, upstream::SourceEvents told) {
    ++opened;
    events[settings.text()] = std::move(told);
    return std::make_unique<Actor>(*this, settings.text());
  }
  void say(const std::string& source, std::initializer_list<std::uint16_t> ports) {
    upstream::Reset reset;
    reset.cause = "left " + source;
    for (const auto port : ports) {
      upstream::DiscoveredEndpoint endpoint;
      endpoint.address = {"127.0.0.1", port, {}};
      reset.endpoints.push_back(std::move(endpoint));
    }
    events.at(source).update(std::move(reset));
  }

  int opened = 0;
  std::map<std::string, upstream::SourceEvents> events;
};

conf::Upstream upstream_with(conf::DiscoverySource source, const std::string& name = "pods") {
  conf::Upstream upstream;
  upstream.name = name;
  upstream.discovery = std::move(source);
  return upstream;
}

struct Scene {
  void apply(std::vector<conf::Upstream> upstreams) {
    conf::Config config;
    config.upstreams = std::move(upstreams);
    for (const auto& upstream : config.upstreams)
      registry.set_cluster(std::make_shared<conf::Upstream>(upstream), now);
    discovery.apply(config, now);
  }
  [[nodiscard]] std::map<std::uint16_t, EndpointState> states() const {
    std::map<std::uint16_t, EndpointState> found;
    for (const auto& member : registry.view("pods")->members)
      found[member.endpoint->address().port] = member.endpoint->state();
    return found;
  }

  Stage stage;
  upstream::TimePoint now = upstream::Clock::now();
  upstream::Registry registry{{}};
  Discovery discovery{registry, std::make_shared<spdlog::logger>("quiet"),
                      [this](const SourceSettings& settings, upstream::SourceEvents events) {
                        return stage.open(settings, std::move(events));
                      }};
};

using States = std::map<std::uint16_t, EndpointState>;
const conf::FileSource kPods{"/pods.yaml"};
const std::string kPodsText = "file /pods.yaml";

}  // namespace

TEST_CASE("an upstream asks for one source for each name in its list, or for the one that it names") {
  conf::Upstream upstream;
  upstream.endpoints = {{{"127.0.0.1", 1, {}}, 1, "127.0.0.1:1", {}},
                        {{"soketi", 6001, {}}, 3, "soketi:6001", {}},
                        {{"other", 6002, {}}, 1, "pod-a", {}}};
  const auto sources = sources_of(upstream, {});
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].text() == "dns soketi:6001");
  CHECK(std::get<NameSettings>(sources[0].what).weight == 3);
  CHECK(std::get<NameSettings>(sources[0].what).name.empty());
  CHECK(std::get<NameSettings>(sources[1].what).name == "pod-a");
  CHECK(sources_of(upstream_with(conf::DnsSource{"_ws._tcp.soketi", 0, true}), {})[0].text() ==
        "dns _ws._tcp.soketi (SRV)");
  conf::KubernetesSource kubernetes;
  kubernetes.service = "soketi-ws";
  CHECK(sources_of(upstream_with(kubernetes), {})[0].text() == "kubernetes soketi-ws");
  kubernetes.name_space = "hex";
  CHECK(sources_of(upstream_with(kubernetes), {})[0].text() == "kubernetes hex/soketi-ws");
  CHECK(sources_of(upstream_with(kPods), {})[0].text() == kPodsText);
}

TEST_CASE("what a source says reaches the registry; a failure keeps it") {
  Scene scene;
  scene.apply({upstream_with(kPods)});
  CHECK(scene.discovery.awaits_first_word());
  CHECK(scene.registry.view("pods")->absence->why == kPodsText + ": has not answered yet");
  CHECK_FALSE(scene.registry.view("pods")->absence->unresolved);
  scene.stage.say(kPodsText, {1, 2});
  CHECK_FALSE(scene.discovery.awaits_first_word());
  CHECK(scene.states() == States{{1, EndpointState::ready}, {2, EndpointState::ready}});
  scene.stage.events.at(kPodsText).fail("half written");
  CHECK(scene.states().size() == 2);
  auto report = scene.discovery.report(scene.now + 5s).at(0);
  CHECK(report.fault == "half written");
  CHECK(report.spoken);
  CHECK(report.failures == 1);
  CHECK(report.age_seconds >= 4);
  CHECK(report.age_seconds <= 6);
  scene.stage.events.at(kPodsText).confirm();
  CHECK(scene.discovery.report(scene.now).at(0).fault.empty());
}

TEST_CASE("a failure before the first word is a word, and the reason is told to whoever finds nobody") {
  Scene scene;
  scene.apply({upstream_with(conf::DnsSource{"soketi", 6001, false})});
  scene.stage.events.at("dns soketi:6001").fail("no such name");
  CHECK_FALSE(scene.discovery.awaits_first_word());
  const auto absence = scene.registry.view("pods")->absence;
  REQUIRE(absence);
  CHECK(absence->why == "dns soketi:6001: no such name");
  CHECK(absence->unresolved);
}

TEST_CASE("after keepEndpoints nothing new goes to what cannot be renewed, and no socket is told to leave") {
  Scene scene;
  auto upstream = upstream_with(kPods);
  upstream.keep_endpoints = 1h;
  scene.apply({upstream});
  scene.stage.say(kPodsText, {1});
  scene.stage.events.at(kPodsText).fail("gone");
  scene.discovery.look(upstream::Clock::now() + 59min);
  CHECK(scene.states() == States{{1, EndpointState::ready}});
  scene.discovery.look(upstream::Clock::now() + 61min);
  CHECK(scene.states() == States{{1, EndpointState::unready}});
  CHECK(scene.discovery.report(scene.now).at(0).stale);
  scene.stage.events.at(kPodsText).confirm();
  CHECK(scene.states() == States{{1, EndpointState::ready}});
}

TEST_CASE("it counts from the failure: a source that is asked seldom is not too old while it answers") {
  Scene scene;
  auto upstream = upstream_with(kPods);
  upstream.keep_endpoints = 30s;
  scene.apply({upstream});
  scene.stage.say(kPodsText, {1});
  scene.discovery.look(upstream::Clock::now() + 10min);
  CHECK(scene.states() == States{{1, EndpointState::ready}});
  scene.stage.events.at(kPodsText).fail("gone");
  scene.discovery.look(upstream::Clock::now() + 10min);
  CHECK(scene.states() == States{{1, EndpointState::unready}});
  upstream.keep_endpoints = 1h;
  scene.apply({upstream});
  scene.discovery.look(upstream::Clock::now() + 10min);
  CHECK(scene.states() == States{{1, EndpointState::ready}});
}

TEST_CASE("what replaced sources and other processes said is not kept for ever either") {
  Scene scene;
  auto upstream = upstream_with(kPods);
  upstream.keep_endpoints = 1h;
  scene.apply({upstream});
  scene.stage.say(kPodsText, {1});
  auto next = upstream_with(conf::FileSource{"/new.yaml"});
  next.keep_endpoints = 1h;
  scene.apply({next});
  upstream::DiscoveredEndpoint known;
  known.address = {"127.0.0.1", 7, {}};
  scene.discovery.inherit("pods", {known}, scene.now);
  scene.discovery.look(scene.now + 59min);
  CHECK(scene.states() == States{{1, EndpointState::ready}, {7, EndpointState::ready}});
  scene.discovery.look(scene.now + 61min);
  CHECK(scene.states() == States{{1, EndpointState::unready}, {7, EndpointState::unready}});
  scene.stage.say("file /new.yaml", {1});
  CHECK(scene.states() == States{{1, EndpointState::ready}});
}

TEST_CASE("for ever, where it says so") {
  Scene scene;
  auto upstream = upstream_with(kPods);
  upstream.keep_endpoints = 0s;
  scene.apply({upstream});
  scene.stage.say(kPodsText, {1});
  scene.discovery.look(upstream::Clock::now() + 24h * 365);
  CHECK(scene.states() == States{{1, EndpointState::ready}});
}

TEST_CASE("a reload leaves a source that is the same alone") {
  Scene scene;
  scene.apply({upstream_with(kPods)});
  scene.stage.say(kPodsText, {1});
  auto changed = upstream_with(kPods);
  changed.slow_start = 10s;
  scene.apply({changed});
  CHECK(scene.stage.opened == 1);
  CHECK(scene.states() == States{{1, EndpointState::ready}});
}

TEST_CASE("a replaced source's endpoints stay until the new one has spoken") {
  Scene scene;
  scene.apply({upstream_with(kPods)});
  scene.stage.say(kPodsText, {1, 2});
  scene.apply({upstream_with(conf::FileSource{"/new.yaml"})});
  CHECK_FALSE(scene.stage.events.contains(kPodsText));
  CHECK(scene.states() == States{{1, EndpointState::ready}, {2, EndpointState::ready}});
  scene.stage.events.at("file /new.yaml").fail("not there");
  CHECK(scene.states().size() == 2);
  scene.stage.say("file /new.yaml", {2, 3});
  CHECK(scene.states() == States{{2, EndpointState::ready}, {3, EndpointState::ready}});
}

TEST_CASE("a list of addresses in place of a source counts at once") {
  Scene scene;
  scene.apply({upstream_with(kPods)});
  scene.stage.say(kPodsText, {1});
  auto listed = upstream_with({});
  listed.endpoints = {{{"127.0.0.1", 5, {}}, 1, {}, {}}};
  scene.apply({listed});
  CHECK(scene.states() == States{{5, EndpointState::ready}});
  CHECK_FALSE(scene.discovery.follows("pods"));
}

TEST_CASE("an upstream that goes and comes back finds what it had, until its source has spoken anew") {
  Scene scene;
  scene.apply({upstream_with(kPods)});
  scene.stage.say(kPodsText, {1, 2});
  scene.apply({});
  CHECK(scene.stage.events.empty());
  CHECK(scene.states().size() == 2);
  scene.discovery.look(scene.now);
  scene.apply({upstream_with(kPods)});
  scene.stage.say(kPodsText, {2});
  CHECK(scene.states() == States{{2, EndpointState::ready}});
}

TEST_CASE("what another process knew holds until the sources have spoken here") {
  Scene scene;
  scene.apply({upstream_with(kPods)});
  upstream::DiscoveredEndpoint known;
  known.address = {"127.0.0.1", 7, {}};
  scene.discovery.inherit("pods", {known}, scene.now);
  CHECK(scene.states() == States{{7, EndpointState::ready}});
  scene.stage.say(kPodsText, {1});
  CHECK(scene.states() == States{{1, EndpointState::ready}});
  scene.discovery.inherit("pods", {known}, scene.now);  // too late
  CHECK(scene.states() == States{{1, EndpointState::ready}});
}

TEST_CASE("a source that cannot be opened is a failure like any other") {
  upstream::Registry registry{{}};
  const auto refuse = [](const SourceSettings&,
                         const upstream::SourceEvents&) -> std::unique_ptr<upstream::Source> {
    throw std::runtime_error("no service account here");
  };
  Discovery discovery(registry, std::make_shared<spdlog::logger>("quiet"), refuse);
  conf::Config config;
  config.upstreams.push_back(upstream_with(kPods));
  registry.set_cluster(std::make_shared<conf::Upstream>(config.upstreams[0]), upstream::Clock::now());
  discovery.apply(config, upstream::Clock::now());
  CHECK_FALSE(discovery.awaits_first_word());
  CHECK(registry.view("pods")->absence->why == kPodsText + ": no service account here");
}
