#include "upstream/registry.hpp"

#include "tests/support/catch.hpp"
#include "tests/upstream/cluster.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

namespace {

// A registry and what it told, as text: `1 removed>ready added` for a state, `view 2/3` for two eligible of
// three.
struct Scene {
  std::vector<std::string> told;
  ClusterViewPtr view;
  std::vector<EndpointState> states_at_view;  // as workers would read them when the view reaches them
  TimePoint now{1h};
  Registry registry{Registry::Listener{
      [this](ClusterViewPtr changed) {
        view = std::move(changed);
        states_at_view.clear();
        for (const auto& member : view->members) states_at_view.push_back(member.endpoint->state());
        told.push_back("view " + std::to_string(view->eligible.size()) + "/" +
                       std::to_string(view->members.size()));
      },
      [this](const EndpointPtr& endpoint, const std::string& cluster, const Transition& transition) {
        REQUIRE(cluster == "pods");
        REQUIRE(endpoint->state() == transition.to);
        told.push_back(std::to_string(endpoint->id()) + " " + std::string(name_of(transition.from)) + ">" +
                       std::string(name_of(transition.to)) + " " + transition.cause);
      },
      [this](const EndpointPtr& endpoint, const std::string& cluster, const std::string& cause) {
        REQUIRE(cluster == "pods");
        told.push_back(std::to_string(endpoint->id()) +
                       (endpoint->takes_new_sockets() ? " opens " : " shut ") + cause);
      }}};

  // What was told since the last call.
  std::vector<std::string> take() { return std::exchange(told, {}); }
  void set(std::initializer_list<std::uint16_t> ports, bool probed = false) {
    auto settings = make_settings(ports);
    if (probed) settings->probe.emplace();
    registry.set_cluster(settings, now);
  }
  void set(const std::shared_ptr<conf::Upstream>& settings) { registry.set_cluster(settings, now); }
  void report(EndpointId id, Verdict verdict, std::string cause) {
    registry.report_verdict(id, verdict, std::move(cause), now);
  }
  [[nodiscard]] EndpointPtr endpoint(std::size_t index) const { return view->members.at(index).endpoint; }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("endpoints without a probe are ready at once, probed ones wait for a pass") {
  Scene scene;
  SECTION("without") {
    scene.set({1, 2});
    CHECK(scene.take() == Told{"1 removed>ready added", "2 removed>ready added", "view 2/2"});
    CHECK(scene.endpoint(0)->ready_since() == scene.now);
  }
  SECTION("probed") {
    scene.set({1, 2}, true);
    CHECK(scene.take() == Told{"1 removed>probing added", "2 removed>probing added", "view 0/2"});
    scene.now += 1s;
    scene.report(2, Verdict::pass, "probe: HTTP 200");
    CHECK(scene.take() == Told{"2 probing>ready probe: HTTP 200", "view 1/2"});
    CHECK(scene.view->eligible == std::vector<std::uint32_t>{1});
    CHECK(scene.endpoint(1)->ready_since() == scene.now);
    scene.report(2, Verdict::pass, "probe: HTTP 200");
    CHECK(scene.take().empty());
  }
}

TEST_CASE("the shared state is stored before the view is handed out") {
  Scene scene;
  scene.set({1, 2});
  scene.report(1, Verdict::fail, "refused");
  CHECK(scene.states_at_view == std::vector{EndpointState::unready, EndpointState::ready});
  scene.registry.order(2, AdminOrder::drain, "operator", scene.now);
  CHECK(scene.states_at_view == std::vector{EndpointState::unready, EndpointState::draining});
}

TEST_CASE("a cluster keeps its number and counts, and its roster as long as nobody comes or goes") {
  Scene scene;
  scene.set({1});
  const auto first = scene.view;
  scene.set({1, 2});
  CHECK(scene.view->roster > first->roster);
  const auto two = scene.view->roster;
  scene.report(1, Verdict::fail, "refused");
  CHECK(scene.view->roster == two);
  CHECK(scene.view->id == first->id);
  CHECK(scene.view->shared == first->shared);
  CHECK(first->members.size() == 1);
  CHECK(scene.registry.view("pods") == scene.view);
  CHECK(scene.registry.view("others") == nullptr);
  CHECK(scene.registry.views() == std::vector{scene.view});
}

TEST_CASE("a refusal met by a worker: out in the shared state at once, in the view with the report") {
  Scene scene;
  scene.set({1});
  scene.take();
  REQUIRE(scene.endpoint(0)->refuse());
  scene.report(1, Verdict::fail, "refused");
  CHECK(scene.take() == Told{"1 ready>unready refused", "view 0/1"});
  scene.report(1, Verdict::pass, "probe: TCP connect");
  CHECK(scene.endpoint(0)->eligible());
}

TEST_CASE("a virtual address stays ready, and is put back if a worker took it out") {
  Scene scene;
  auto settings = make_settings({1});
  settings->virtual_address = true;
  settings->probe.emplace();
  scene.set(settings);
  CHECK(scene.take() == Told{"1 removed>ready added", "view 1/1"});
  REQUIRE(scene.endpoint(0)->refuse());
  scene.report(1, Verdict::fail, "refused");
  CHECK(scene.take().empty());
  CHECK(scene.endpoint(0)->eligible());
}

TEST_CASE("a reload keeps what did not change and drains what vanished") {
  Scene scene;
  scene.set({1, 2, 3}, true);
  for (const EndpointId id : {1U, 2U, 3U}) scene.report(id, Verdict::pass, "probe");
  const auto kept = scene.endpoint(1);
  const auto vanished = scene.endpoint(0);
  const Reservation socket = [&] {
    REQUIRE(vanished->reserve());
    return Reservation(vanished);
  }();
  scene.take();

  scene.set({4, 2}, true);
  CHECK(scene.take() == Told{"4 removed>probing added", "1 ready>draining no longer configured",
                             "3 ready>removed no longer configured", "view 1/3"});
  CHECK(scene.endpoint(0) == vanished);
  CHECK(scene.endpoint(1) == kept);
  CHECK(scene.endpoint(2)->id() == 4);
  CHECK(scene.view->eligible == std::vector<std::uint32_t>{1});
}

TEST_CASE("an endpoint that is absent goes with its last connection") {
  Scene scene;
  scene.set({1, 2});
  const auto leaving = scene.endpoint(1);
  REQUIRE(leaving->reserve());
  scene.set({1});
  scene.take();
  scene.registry.sweep(scene.now);
  CHECK(scene.take().empty());
  leaving->release();
  scene.registry.sweep(scene.now);
  CHECK(scene.take() == Told{"2 draining>removed empty", "view 1/1"});
  scene.report(2, Verdict::fail, "refused");  // a late report of a worker
  scene.registry.order(2, AdminOrder::drain, "operator", scene.now);
  CHECK(scene.take().empty());
}

TEST_CASE("an endpoint that returns while it drains is the same one, and is probed anew") {
  Scene scene;
  scene.set({1, 2}, true);
  scene.report(1, Verdict::pass, "probe");
  scene.report(2, Verdict::pass, "probe");
  const auto endpoint = scene.endpoint(1);
  REQUIRE(endpoint->reserve());
  scene.set({1}, true);
  scene.report(2, Verdict::pass, "probe");
  CHECK(endpoint->state() == EndpointState::draining);
  scene.take();
  scene.set({1, 2}, true);
  CHECK(scene.take() == Told{"2 draining>probing added again", "view 1/2"});
  CHECK(scene.endpoint(1) == endpoint);
  CHECK(endpoint->active() == 1);

  endpoint->release();
  scene.set({1}, true);
  scene.registry.sweep(scene.now);
  scene.set({1, 2}, true);
  CHECK(scene.endpoint(1)->id() == 3);  // gone and back: a new one
}

TEST_CASE("draining by order wins over verdicts and leads back to probing") {
  Scene scene;
  scene.set({1}, true);
  scene.report(1, Verdict::pass, "probe");
  scene.registry.order(1, AdminOrder::drain, "operator", scene.now);
  CHECK(scene.endpoint(0)->state() == EndpointState::draining);
  scene.report(1, Verdict::fail, "refused");
  scene.report(1, Verdict::pass, "probe");
  CHECK(scene.endpoint(0)->state() == EndpointState::draining);
  scene.set({1}, true);
  CHECK(scene.endpoint(0)->state() == EndpointState::draining);
  scene.take();
  scene.registry.order(1, AdminOrder::none, "operator", scene.now);
  CHECK(scene.take() == Told{"1 draining>probing operator", "view 0/1"});
}

TEST_CASE("without a probe, leaving draining leads to ready") {
  Scene scene;
  scene.set({1});
  scene.report(1, Verdict::fail, "refused");
  scene.registry.order(1, AdminOrder::drain, "operator", scene.now);
  scene.registry.order(1, AdminOrder::none, "operator", scene.now);
  CHECK(scene.endpoint(0)->state() == EndpointState::ready);
}

TEST_CASE("a verdict survives a reload that changes the settings") {
  Scene scene;
  SECTION("a probe is added: ready until it has spoken") {
    scene.set({1});
    scene.set({1}, true);
    CHECK(scene.endpoint(0)->state() == EndpointState::ready);
    scene.report(1, Verdict::fail, "probe: HTTP 503");
    CHECK(scene.endpoint(0)->state() == EndpointState::unready);
  }
  SECTION("a probe is taken away from one that fails") {
    scene.set({1}, true);
    scene.report(1, Verdict::fail, "probe: HTTP 503");
    scene.set({1});
    CHECK(scene.endpoint(0)->state() == EndpointState::unready);
  }
  SECTION("still probing") {
    scene.set({1}, true);
    scene.set({1}, true);
    CHECK(scene.endpoint(0)->state() == EndpointState::probing);
  }
}

TEST_CASE("weight, name and maximum change without losing the endpoint") {
  Scene scene;
  scene.set({1});
  const auto endpoint = scene.endpoint(0);
  CHECK(endpoint->name() == "127.0.0.1:1");
  auto settings = make_settings({1});
  settings->endpoints[0].weight = 7;
  settings->endpoints[0].name = "pod-a";
  settings->max_connections = 100;
  scene.set(settings);
  CHECK(scene.endpoint(0) == endpoint);
  CHECK(scene.view->members[0].weight == 7);
  CHECK(endpoint->name() == "pod-a");
  CHECK(endpoint->max_connections() == 100);
}

TEST_CASE("an address that is written twice is one endpoint") {
  Scene scene;
  scene.set({1, 1});
  CHECK(scene.view->members.size() == 1);
}

TEST_CASE("the hash ring is shared between views of the same members") {
  Scene scene;
  auto settings = make_settings({1, 2});
  settings->balance.kind = conf::Balance::hash;
  scene.set(settings);
  const auto ring = scene.view->ring;
  REQUIRE(ring != nullptr);
  scene.report(1, Verdict::fail, "refused");
  CHECK(scene.view->ring == ring);
  scene.set(settings);
  CHECK(scene.view->ring == ring);

  auto renamed = std::make_shared<conf::Upstream>(*settings);
  renamed->endpoints[0].name = "pod-a";
  scene.set(renamed);
  CHECK(scene.view->ring != ring);
  const auto renamed_ring = scene.view->ring;
  auto heavier = std::make_shared<conf::Upstream>(*renamed);
  heavier->endpoints[1].weight = 2;
  scene.set(heavier);
  CHECK(scene.view->ring != renamed_ring);
  scene.set({1, 2});
  CHECK(scene.view->ring == nullptr);
}

TEST_CASE("a removed cluster drains, and is forgotten with its last endpoint") {
  Scene scene;
  scene.set({1, 2});
  const auto busy = scene.endpoint(0);
  REQUIRE(busy->reserve());
  scene.take();
  scene.registry.remove_cluster("others", scene.now);
  CHECK(scene.take().empty());
  scene.registry.remove_cluster("pods", scene.now);
  CHECK(scene.take() == Told{"1 ready>draining upstream no longer configured",
                             "2 ready>removed upstream no longer configured", "view 0/1"});
  scene.registry.sweep(scene.now);
  CHECK(scene.registry.view("pods") != nullptr);
  SECTION("until the end") {
    busy->release();
    scene.registry.sweep(scene.now);
    CHECK(scene.take() == Told{"1 draining>removed empty", "view 0/0"});
    CHECK(scene.registry.view("pods") == nullptr);
    CHECK(scene.registry.report().empty());
  }
  SECTION("unless it comes back") {
    scene.set({1});
    CHECK(scene.endpoint(0) == busy);
    CHECK(busy->eligible());
    busy->release();
    scene.registry.sweep(scene.now);
    CHECK(scene.registry.view("pods") != nullptr);
  }
}

TEST_CASE("a report tells each endpoint's state, load and last transition") {
  Scene scene;
  scene.set({1, 2});
  REQUIRE(scene.endpoint(1)->reserve());
  scene.now += 5s;
  scene.report(2, Verdict::fail, "refused");
  const auto reports = scene.registry.report();
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].state == EndpointState::ready);
  CHECK(reports[0].transitions == 1);
  const auto& second = reports[1];
  CHECK(second.cluster == "pods");
  CHECK(second.id == 2);
  CHECK(second.address == "127.0.0.1:2");
  CHECK(second.active == 1);
  CHECK(second.state == EndpointState::unready);
  CHECK(second.transitions == 2);
  CHECK(second.last.cause == "refused");
  CHECK(second.last.from == EndpointState::ready);
  CHECK(second.last.at == scene.now);
}

TEST_CASE("whether an endpoint takes new sockets is no state: it moves nothing and makes no view") {
  Scene scene;
  auto settings = make_settings({1, 2});
  settings->new_socket_probe.emplace();
  scene.set(settings);
  CHECK(scene.take() == Told{"1 removed>ready added", "2 removed>ready added", "view 2/2"});
  CHECK_FALSE(scene.endpoint(0)->takes_new_sockets());
  CHECK(scene.endpoint(0)->takes(false));

  scene.registry.report_sockets(1, ProbeKind::new_socket, Verdict::pass, "HTTP 200");
  CHECK(scene.take() == Told{"1 opens newSocketProbe: HTTP 200"});
  CHECK(scene.endpoint(0)->takes(true));
  scene.registry.report_sockets(1, ProbeKind::new_socket, Verdict::fail, "HTTP 500");
  scene.registry.report_sockets(1, ProbeKind::new_socket, Verdict::fail, "HTTP 500");
  scene.registry.report_sockets(9, ProbeKind::new_socket, Verdict::fail, "late");
  CHECK(scene.take() == Told{"1 shut newSocketProbe: HTTP 500"});
  CHECK(scene.endpoint(0)->eligible());
  CHECK_FALSE(scene.endpoint(0)->takes(true));
  const auto report = scene.registry.report();
  CHECK_FALSE(report[0].sockets.open());
  CHECK(report[0].sockets.objections() == "newSocketProbe: HTTP 500");
  CHECK(report[1].sockets.objections() == "newSocketProbe: no answer yet");
}

TEST_CASE("a reload that adds a probe of new sockets takes none away, one that removes it gives them back") {
  Scene scene;
  scene.set({1, 2});
  scene.report(2, Verdict::fail, "refused");
  scene.take();
  auto settings = make_settings({1, 2});
  settings->websocket_probe.emplace();
  scene.set(settings);
  CHECK(scene.endpoint(0)->takes_new_sockets());
  CHECK_FALSE(scene.endpoint(1)->takes_new_sockets());  // nothing holds there
  scene.take();
  scene.registry.report_sockets(1, ProbeKind::websocket, Verdict::fail, "HTTP 502");
  CHECK(scene.take() == Told{"1 shut webSocketProbe: HTTP 502"});
  scene.set({1, 2});
  CHECK(scene.take() == Told{"1 opens configuration changed", "2 opens configuration changed", "view 1/2"});
  CHECK(scene.endpoint(0)->takes_new_sockets());
}

TEST_CASE("an endpoint that leaves draining takes no new sockets before they were probed") {
  Scene scene;
  auto settings = make_settings({1});
  settings->websocket_probe.emplace();
  scene.set(settings);
  scene.registry.report_sockets(1, ProbeKind::websocket, Verdict::pass, "101 and pong");
  scene.registry.order(1, AdminOrder::drain, "operator", scene.now);
  scene.take();
  scene.registry.order(1, AdminOrder::none, "operator", scene.now);
  CHECK(scene.endpoint(0)->eligible());
  CHECK_FALSE(scene.endpoint(0)->takes(true));
  CHECK(scene.take() ==
        Told{"1 draining>ready operator", "1 shut webSocketProbe: no answer yet", "view 1/1"});
}
