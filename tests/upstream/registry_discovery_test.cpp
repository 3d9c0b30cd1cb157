// The registry and what sources say.
#include <map>

#include "tests/support/catch.hpp"
#include "tests/upstream/cluster.hpp"
#include "upstream/registry.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

namespace {

DiscoveredEndpoint offered(std::uint16_t port, Offer offer = Offer::serving, std::string cause = {}) {
  DiscoveredEndpoint endpoint;
  endpoint.address = address_of(port);
  endpoint.offer = offer;
  endpoint.cause = std::move(cause);
  return endpoint;
}

// A registry with one cluster, `pods`, without members of its own.
struct Scene {
  explicit Scene(bool probed = false, bool pauses = false)
      : registry({[this](ClusterViewPtr changed) {
                    view = std::move(changed);
                    ++views;
                  },
                  [this](const EndpointPtr& endpoint, const std::string&, const Transition& transition) {
                    told.push_back(std::to_string(endpoint->address().port) + " " +
                                   std::string(name_of(transition.from)) + ">" +
                                   std::string(name_of(transition.to)) + " " + transition.cause);
                  },
                  {},
                  pauses
                      ? std::function<void(Clock::duration)>([this](Clock::duration asked) { pause = asked; })
                      : nullptr}) {
    auto settings = make_settings({});
    if (probed) settings->probe.emplace();
    registry.set_cluster(settings, now);
  }

  void say(const DiscoveryUpdate& update, SourceNumber source = 1) {
    registry.discover("pods", source, update, now);
  }
  [[nodiscard]] std::map<std::uint16_t, EndpointState> states() const {
    std::map<std::uint16_t, EndpointState> found;
    for (const auto& member : view->members)
      found[member.endpoint->address().port] = member.endpoint->state();
    return found;
  }
  [[nodiscard]] EndpointPtr endpoint(std::uint16_t port) const {
    for (const auto& member : view->members)
      if (member.endpoint->address().port == port) return member.endpoint;
    return nullptr;
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }

  std::vector<std::string> told;
  ClusterViewPtr view;
  int views = 0;
  std::optional<Clock::duration> pause;
  TimePoint now{1h};
  Registry registry;
};

using Told = std::vector<std::string>;
using States = std::map<std::uint16_t, EndpointState>;

}  // namespace

TEST_CASE("Reset, Upsert and Remove: what leaves a source drains, what comes is a candidate") {
  Scene scene;
  scene.say(Reset{{offered(1), offered(2)}, "gone"});
  CHECK(scene.take() == Told{"1 removed>ready added", "2 removed>ready added"});
  const auto second = scene.endpoint(2);
  REQUIRE(second->reserve());
  scene.say(Upsert{{offered(3)}});
  scene.say(Remove{{address_of(1), address_of(9)}, "slice says so"});
  CHECK(scene.take() == Told{"3 removed>ready added", "1 ready>removed slice says so"});
  scene.say(Reset{{offered(3)}, "no longer in the answer"});
  CHECK(scene.take() == Told{"2 ready>draining no longer in the answer"});
  scene.say(Reset{{offered(3), offered(2)}, ""});
  CHECK(scene.take() == Told{"2 draining>ready added again"});
  CHECK(scene.endpoint(2) == second);
}

TEST_CASE("a discovered address is only a candidate: its probe must pass") {
  Scene scene(true);
  scene.say(Reset{{offered(1)}, ""});
  CHECK(scene.states() == States{{1, EndpointState::probing}});
  scene.registry.report_verdict(scene.endpoint(1)->id(), Verdict::pass, "probe", scene.now);
  CHECK(scene.states() == States{{1, EndpointState::ready}});
}

TEST_CASE("what leaves by its source's word is out at once, and its cause is told") {
  Scene scene(true);
  scene.say(Reset{{offered(1)}, ""});
  scene.registry.report_verdict(scene.endpoint(1)->id(), Verdict::pass, "probe", scene.now);
  scene.take();
  scene.say(Upsert{{offered(1, Offer::leaving, "slice a says terminating")}});
  CHECK(scene.take() == Told{"1 ready>draining slice a says terminating"});
  scene.registry.report_verdict(scene.endpoint(1)->id(), Verdict::pass, "probe", scene.now);
  CHECK(scene.take().empty());
}

TEST_CASE("what does not serve takes nothing new, is not left, and is probed before it is picked again") {
  Scene scene(true);
  scene.say(Reset{{offered(1)}, ""});
  const auto id = scene.endpoint(1)->id();
  scene.registry.report_verdict(id, Verdict::pass, "probe", scene.now);
  scene.take();
  scene.say(Upsert{{offered(1, Offer::not_serving, "slice a says not ready")}});
  CHECK(scene.take() == Told{"1 ready>unready slice a says not ready"});
  scene.registry.report_verdict(id, Verdict::pass, "probe", scene.now);
  CHECK(scene.take().empty());
  scene.say(Upsert{{offered(1)}});
  CHECK(scene.take() == Told{"1 unready>probing discovered"});
  scene.registry.report_verdict(id, Verdict::pass, "probe", scene.now);
  CHECK(scene.take() == Told{"1 probing>ready probe"});
}

TEST_CASE("what serves again takes sockets as before: they were probed all the while") {
  Scene scene;
  auto settings = make_settings({});
  settings->new_socket_probe.emplace();
  scene.registry.set_cluster(settings, scene.now);
  scene.say(Reset{{offered(1)}, ""});
  const auto endpoint = scene.endpoint(1);
  scene.registry.report_sockets(endpoint->id(), ProbeKind::new_socket, Verdict::pass, "HTTP 200");
  REQUIRE(endpoint->takes(true));
  scene.say(Upsert{{offered(1, Offer::not_serving, "slice a says not ready")}});
  CHECK_FALSE(endpoint->takes(true));
  scene.say(Upsert{{offered(1)}});
  CHECK(endpoint->takes(true));
  scene.registry.set_stale("pods", 1, true, "silent for an hour", scene.now);
  CHECK_FALSE(endpoint->takes(true));
  scene.registry.set_stale("pods", 1, false, "asked again", scene.now);
  CHECK(endpoint->takes(true));
}

TEST_CASE("the host of an address may change: its certificate must name the new one") {
  Scene scene;
  auto first = offered(1);
  first.host = "blue.pods.test";
  scene.say(Reset{{first}, ""});
  const auto endpoint = scene.endpoint(1);
  CHECK(endpoint->host() == "blue.pods.test");
  const auto& before = endpoint->host();
  const auto epoch = endpoint->pool_epoch();
  scene.say(Reset{{first}, ""});
  CHECK(endpoint->pool_epoch() == epoch);
  first.host = "green.pods.test";
  scene.say(Reset{{first}, ""});
  CHECK(endpoint->host() == "green.pods.test");
  CHECK(endpoint->pool_epoch() != epoch);  // a connection kept for the old name is not used for the new one
  CHECK(before == "blue.pods.test");       // a worker may be reading it
}

TEST_CASE("an address of two sources stays until both have let go of it") {
  Scene scene;
  scene.say(Reset{{offered(1)}, "a"}, 1);
  scene.say(Reset{{offered(1), offered(2)}, "b"}, 2);
  scene.take();
  scene.say(Reset{{}, "left a"}, 1);
  CHECK(scene.take().empty());
  scene.registry.withdraw_source("pods", 2, "source replaced", scene.now);
  CHECK(scene.take() == Told{"1 ready>removed source replaced", "2 ready>removed source replaced"});
}

TEST_CASE(
    "of two sources the one that spoke last says what an endpoint is, and the other once that is gone") {
  Scene scene;
  auto old = offered(1);
  old.host = "blue.pods.test";
  auto next = offered(1);
  next.host = "green.pods.test";
  next.weight = 3;
  next.name = "pod-a";
  next.priority = 1;
  const auto weight = [&] { return scene.view->members.at(0).weight; };
  scene.say(Reset{{old}, ""}, 1);
  scene.say(Reset{{next}, ""}, 2);
  const auto endpoint = scene.endpoint(1);
  CHECK(weight() == 3);
  CHECK(endpoint->host() == "green.pods.test");
  scene.registry.withdraw_source("pods", 2, "replaced", scene.now);
  CHECK(weight() == 1);
  CHECK(scene.view->members.at(0).priority == 0);
  CHECK(endpoint->host() == "blue.pods.test");
  CHECK(endpoint->name() == endpoint->address_text());
  scene.say(Reset{{next}, ""}, 2);
  scene.say(Reset{{old}, ""}, 1);  // again: which of them wins does not depend on who speaks when
  CHECK(weight() == 3);
  scene.registry.set_stale("pods", 2, true, "silent for an hour", scene.now);
  CHECK(weight() == 1);
  CHECK(endpoint->host() == "blue.pods.test");
  scene.registry.set_stale("pods", 2, false, "asked again", scene.now);
  CHECK(endpoint->host() == "green.pods.test");
  scene.say(Remove{{address_of(1)}, "gone"}, 1);
  CHECK(weight() == 3);
}

TEST_CASE("what is written in the configuration goes before what a name resolves to") {
  Scene scene;
  auto settings = make_settings({1});
  settings->endpoints[0].weight = 5;
  scene.registry.set_cluster(settings, scene.now);
  scene.say(Reset{{offered(1)}, ""}, 7);
  CHECK(scene.view->members.at(0).weight == 5);
}

TEST_CASE("a verdict is awaited until one serves, or all have said no") {
  Scene scene;
  auto settings = make_settings({1, 2});
  settings->probe.emplace();
  settings->new_socket_probe.emplace();
  scene.registry.set_cluster(settings, scene.now);
  const auto first = scene.endpoint(1)->id();
  CHECK(scene.registry.awaits_first_verdict());
  scene.registry.report_verdict(first, Verdict::pass, "HTTP 200", scene.now);
  scene.registry.report_verdict(scene.endpoint(2)->id(), Verdict::fail, "HTTP 500", scene.now);
  CHECK(scene.registry.awaits_first_verdict());  // whether it takes sockets nobody knows
  SECTION("it does") {
    scene.registry.report_sockets(first, ProbeKind::new_socket, Verdict::pass, "HTTP 200");
  }
  SECTION("it does not") {
    scene.registry.report_sockets(first, ProbeKind::new_socket, Verdict::fail, "HTTP 500");
  }
  CHECK_FALSE(scene.registry.awaits_first_verdict());
}

TEST_CASE("a stale source: nothing new goes to what only it has, and nothing leaves") {
  Scene scene;
  scene.say(Reset{{offered(1), offered(2)}, ""}, 1);
  scene.say(Reset{{offered(2)}, ""}, 2);
  scene.take();
  scene.registry.set_stale("pods", 1, true, "silent for an hour", scene.now);
  CHECK(scene.take() == Told{"1 ready>unready silent for an hour"});
  scene.registry.set_stale("pods", 1, false, "asked again", scene.now);
  CHECK(scene.take() == Told{"1 unready>ready asked again"});
}

TEST_CASE("a reload keeps what sources have said, and names in the list are left to them") {
  Scene scene;
  scene.say(Reset{{offered(1)}, ""});
  scene.take();
  auto settings = make_settings({5});
  settings->endpoints.push_back({{"soketi", 6001, {}}, 1, {}, {}});
  scene.registry.set_cluster(settings, scene.now);
  CHECK(scene.take() == Told{"5 removed>ready added"});
  CHECK(scene.states() == States{{1, EndpointState::ready}, {5, EndpointState::ready}});
}

TEST_CASE("the first priority is picked, the others are spare") {
  Scene scene;
  auto far = offered(3);
  far.priority = 2;
  auto near = offered(2);
  near.priority = 1;
  scene.say(Reset{{far, near, offered(1, Offer::not_serving)}, ""});
  CHECK(scene.view->members[scene.view->eligible.at(0)].endpoint->address().port == 2);
  CHECK(scene.view->members[scene.view->spare.at(0)].endpoint->address().port == 3);
  REQUIRE(scene.endpoint(2)->refuse());
  scene.registry.report_verdict(scene.endpoint(2)->id(), Verdict::fail, "refused", scene.now);
  CHECK(scene.view->members[scene.view->eligible.at(0)].endpoint->address().port == 3);
  CHECK(scene.view->spare.empty());
}

TEST_CASE("the views of a large cluster wait for each other, states do not") {
  Scene scene(false, true);
  Reset reset;
  for (std::uint16_t port = 1; port <= 1000; ++port) reset.endpoints.push_back(offered(port));
  scene.now += 1s;
  scene.say(reset);
  const auto first = scene.views;
  REQUIRE(scene.view->members.size() == 1000);
  scene.say(Upsert{{offered(7, Offer::leaving, "terminating")}});
  CHECK(scene.endpoint(7)->state() == EndpointState::draining);
  CHECK(scene.views == first);
  REQUIRE(scene.pause.has_value());
  CHECK(*scene.pause <= 10ms);
  scene.pause.reset();
  scene.say(Remove{{address_of(8)}, "gone"});
  CHECK_FALSE(scene.pause.has_value());  // one is asked for already
  scene.now += 10ms;
  scene.registry.publish_late(scene.now);
  CHECK(scene.views == first + 1);
  CHECK(scene.view->members.size() == 999);
  CHECK(scene.view->eligible.size() == 998);
  scene.registry.publish_late(scene.now);
  CHECK(scene.views == first + 1);
}

TEST_CASE("one that is gone and back before a view was made is a candidate like any other") {
  Scene scene(true, true);
  Reset reset;
  for (std::uint16_t port = 1; port <= 200; ++port) reset.endpoints.push_back(offered(port));
  scene.now += 1s;
  scene.say(reset);
  const auto id = scene.endpoint(9)->id();
  scene.registry.report_verdict(id, Verdict::pass, "probe", scene.now);
  scene.say(Remove{{address_of(9)}, "gone"});
  scene.take();
  scene.say(Upsert{{offered(9)}});
  CHECK(scene.take() == Told{"9 removed>probing added"});
}

TEST_CASE("why there is nobody is told with the view") {
  Scene scene;
  auto absence = std::make_shared<Absence>(Absence{true, "no such name"});
  scene.registry.explain_absence("pods", absence);
  REQUIRE(scene.view->absence);
  CHECK(scene.view->absence->why == "no such name");
  const auto views = scene.views;
  scene.registry.explain_absence("pods", std::make_shared<Absence>(Absence{true, "no such name"}));
  CHECK(scene.views == views);
  scene.registry.explain_absence("others", absence);
  CHECK(scene.views == views);
}
