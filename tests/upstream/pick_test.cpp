#include "upstream/pick.hpp"

#include <cstdlib>
#include <map>

#include "tests/support/catch.hpp"
#include "tests/upstream/allocations.hpp"
#include "tests/upstream/cluster.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

namespace {

constexpr conf::Balance all_kinds[] = {conf::Balance::round_robin, conf::Balance::least_connections,
                                       conf::Balance::random_two, conf::Balance::hash, conf::Balance::sticky};

const TimePoint noon{std::chrono::hours(12)};

PickAsk ask_for(std::string_view key = {}) {
  PickAsk ask;
  ask.hash = hash_of(key);
  ask.now = noon;
  return ask;
}

// How often each member is picked; with `keep`, each pick takes a place and holds it.
std::vector<int> count_picks(const ClusterView& view, int picks, bool keep = false) {
  PickState state;
  std::vector<int> counts(view.members.size(), 0);
  for (int turn = 0; turn < picks; ++turn) {
    const auto* member = pick(view, state, ask_for("key " + std::to_string(turn)));
    REQUIRE(member != nullptr);
    if (keep) REQUIRE(member->endpoint->reserve());
    ++counts[member->endpoint->id() - 1];
  }
  return counts;
}

void slow_start(ClusterView& view, std::chrono::milliseconds ramp) {
  auto settings = std::make_shared<conf::Upstream>(*view.settings);
  settings->slow_start = ramp;
  view.settings = settings;
}

}  // namespace

TEST_CASE("round robin goes smoothly by weight") {
  const auto view = make_view(conf::Balance::round_robin, {5, 1, 1});
  PickState state;
  std::map<EndpointId, int> counts;
  int row = 0;
  int longest_row = 0;
  EndpointId before = 0;
  for (int turn = 0; turn < 7000; ++turn) {
    const auto id = pick(view, state, ask_for())->endpoint->id();
    ++counts[id];
    row = id == before ? row + 1 : 1;
    longest_row = std::max(longest_row, row);
    before = id;
  }
  CHECK(std::abs(counts[1] - 5000) <= 5);
  CHECK(std::abs(counts[2] - 1000) <= 2);
  CHECK(std::abs(counts[3] - 1000) <= 2);
  CHECK(longest_row <= 4);
}

TEST_CASE("round robin begins anywhere, so that workers do not move in step") {
  const auto view = make_view(conf::Balance::round_robin, {1, 1, 1, 1});
  std::map<EndpointId, int> first;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    PickState state;
    state.random = seed * 0x9e3779b97f4a7c15ULL;
    ++first[pick(view, state, ask_for())->endpoint->id()];
  }
  for (EndpointId id = 1; id <= 4; ++id) CHECK(first[id] > 50);
}

TEST_CASE("connections held spread by weight under least connections and random two") {
  SECTION("least connections is exact") {
    const auto counts = count_picks(make_view(conf::Balance::least_connections, {1, 2, 5}), 800, true);
    CHECK(std::abs(counts[0] - 100) <= 2);
    CHECK(std::abs(counts[1] - 200) <= 2);
    CHECK(std::abs(counts[2] - 500) <= 2);
  }
  SECTION("random two stays near") {
    const auto counts = count_picks(make_view(conf::Balance::random_two, {1, 1, 2}), 4000, true);
    CHECK(std::abs(counts[0] - 1000) < 50);
    CHECK(std::abs(counts[1] - 1000) < 50);
    CHECK(std::abs(counts[2] - 2000) < 100);
  }
}

TEST_CASE("equals under least connections and random two are picked evenly") {
  for (const auto kind : {conf::Balance::least_connections, conf::Balance::random_two}) {
    const auto counts = count_picks(make_view(kind, {1, 1, 1, 1}), 8000);
    for (const auto count : counts) {
      CHECK(count > 1800);
      CHECK(count < 2200);
    }
  }
}

TEST_CASE("random two prefers the less loaded of its two") {
  const auto view = make_view(conf::Balance::random_two, {1, 1});
  for (int taken = 0; taken < 3; ++taken) REQUIRE(view.members[0].endpoint->reserve());
  CHECK(count_picks(view, 100) == std::vector<int>{0, 100});
}

TEST_CASE("endpoints that are tried, not eligible now or full are passed over by every kind") {
  for (const auto kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    const auto view = make_view(kind, {1, 1, 1, 1}, 1);
    view.members[0].endpoint->set_state(EndpointState::draining);  // after the view was made
    REQUIRE(view.members[1].endpoint->reserve());
    const EndpointId tried[] = {3};
    const auto cookie = sticky_value(*view.members[0].endpoint);
    PickState state;
    for (int turn = 0; turn < 50; ++turn) {
      auto ask = ask_for("key " + std::to_string(turn));
      ask.tried = tried;
      ask.sticky = cookie;
      const auto* member = pick(view, state, ask);
      REQUIRE(member != nullptr);
      REQUIRE(member->endpoint->id() == 4);
    }
    const EndpointId both[] = {3, 4};
    auto ask = ask_for("key");
    ask.tried = both;
    CHECK(pick(view, state, ask) == nullptr);
  }
}

TEST_CASE("a view without eligible members gives nothing") {
  for (const auto kind : all_kinds) {
    auto view = make_view(kind, {1, 1});
    view.eligible.clear();
    for (const auto& member : view.members) member.endpoint->set_state(EndpointState::unready);
    PickState state;
    CHECK(pick(view, state, ask_for("key")) == nullptr);
    CHECK(pick(make_view(kind, {}), state, ask_for("key")) == nullptr);
  }
}

TEST_CASE("hash moves only the keys of the endpoint that leaves, and back again") {
  constexpr int keys = 10'000;
  const auto view = make_view(conf::Balance::hash, std::vector<int>(10, 1));
  const auto place_all = [&](const ClusterView& where) {
    PickState state;
    std::vector<EndpointId> places;
    for (int key = 0; key < keys; ++key) {
      places.push_back(pick(where, state, ask_for("user " + std::to_string(key)))->endpoint->id());
    }
    return places;
  };
  const auto before = place_all(view);

  SECTION("while it is not ready") {
    view.members[4].endpoint->set_state(EndpointState::unready);
  }
  SECTION("when it is gone from the members") {}
  auto after_view = view;
  if (view.members[4].endpoint->eligible()) {
    after_view.members.erase(after_view.members.begin() + 4);
    after_view.eligible.pop_back();
    after_view.ring = make_hash_ring(after_view.members);
  }
  const auto after = place_all(after_view);
  int left = 0;
  int moved = 0;
  std::map<EndpointId, int> inherited;
  for (std::size_t key = 0; key < keys; ++key) {
    if (before[key] == 5) {
      ++left;
      ++inherited[after[key]];
    } else if (before[key] != after[key]) {
      ++moved;
    }
  }
  CHECK(left > 700);
  CHECK(moved == 0);
  CHECK(inherited.size() == 9);  // its keys are spread over all others

  view.members[4].endpoint->set_state(EndpointState::ready);
  CHECK(place_all(view) == before);
}

TEST_CASE("hash of a key is the same in every build and on every machine") {
  CHECK(hash_of("") == hash_of({}));
  CHECK(hash_of("a") != hash_of("b"));
  CHECK(hash_of("192.0.2.1") == 0x8fc433616f773343ULL);
}

TEST_CASE("sticky: the cookie's endpoint while it can take it, else the least connections") {
  const auto view = make_view(conf::Balance::sticky, {1, 1, 1}, 5);
  auto& second = *view.members[1].endpoint;
  for (int taken = 0; taken < 4; ++taken) REQUIRE(second.reserve());
  const auto cookie = sticky_value(second);
  CHECK(cookie.size() == 16);
  CHECK(cookie == sticky_value(second));
  CHECK(cookie != sticky_value(*view.members[0].endpoint));
  CHECK(cookie.find("8002") == std::string::npos);

  PickState state;
  auto ask = ask_for();
  ask.sticky = cookie;
  CHECK(pick(view, state, ask)->endpoint->id() == 2);
  for (const std::string_view foreign :
       {"", "0", "not hexadecimal!", "0123456789abcdef", "0123456789abcdef0"}) {
    CAPTURE(foreign);
    ask.sticky = foreign;
    CHECK(pick(view, state, ask)->endpoint->id() != 2);
  }
  ask.sticky = cookie;
  SECTION("full") {
    REQUIRE(second.reserve());
  }
  SECTION("not ready") {
    second.set_state(EndpointState::unready);
  }
  CHECK(pick(view, state, ask)->endpoint->id() != 2);
}

TEST_CASE("slow start: a new endpoint's share grows from a tenth to the whole") {
  struct Row {
    std::chrono::milliseconds age;
    double share;
  };
  const Row rows[] = {{0ms, 0.1}, {2500ms, 0.325}, {5000ms, 0.55}, {10'000ms, 1.0}, {60'000ms, 1.0}};
  for (const auto kind : {conf::Balance::round_robin, conf::Balance::least_connections}) {
    for (const auto& row : rows) {
      CAPTURE(static_cast<int>(kind), row.age.count());
      auto view = make_view(kind, {1, 1});
      slow_start(view, 10'000ms);
      view.members[1].endpoint->set_ready_since(noon - row.age);
      const auto counts = count_picks(view, 2000, kind == conf::Balance::least_connections);
      CHECK(std::abs(static_cast<double>(counts[1]) / counts[0] - row.share) < 0.02);
    }
  }
}

TEST_CASE("slow start alone does not keep a lone endpoint from being picked") {
  for (const auto kind : all_kinds) {
    auto view = make_view(kind, {1});
    slow_start(view, 10'000ms);
    view.members[0].endpoint->set_ready_since(noon);
    CHECK(count_picks(view, 10) == std::vector<int>{10});
  }
}

TEST_CASE("a pick allocates nothing after the first call") {
  for (const auto kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    const auto view = make_view(kind, {1, 2, 3});
    const auto cookie = sticky_value(*view.members[2].endpoint);
    PickState state;
    auto ask = ask_for("key");
    ask.sticky = cookie;
    REQUIRE(pick(view, state, ask) != nullptr);
    const auto before = allocations();
    int picked = 0;
    for (int turn = 0; turn < 100; ++turn) {
      ask.hash += 0x123456789abcdefULL;
      if (pick(view, state, ask) != nullptr) ++picked;
    }
    const auto after = allocations();
    CHECK(picked == 100);
    CHECK(after == before);
  }
}

TEST_CASE("a socket goes only where new ones are taken, anything else as before") {
  for (const auto kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    const auto view = make_view(kind, {1, 1, 1});
    view.members[0].endpoint->set_takes_new_sockets(false);
    view.members[2].endpoint->set_takes_new_sockets(false);
    PickState state;
    auto ask = ask_for();
    const auto cookie = sticky_value(*view.members[0].endpoint);
    ask.sticky = cookie;
    ask.socket = true;
    for (int turn = 0; turn < 20; ++turn) {
      ask.hash = hash_of("key " + std::to_string(turn));
      CHECK(pick(view, state, ask)->endpoint->id() == 2);
    }
    view.members[1].endpoint->set_takes_new_sockets(false);
    CHECK(pick(view, state, ask) == nullptr);
    ask.socket = false;
    std::map<EndpointId, int> picked;
    for (int turn = 0; turn < 60; ++turn) {
      ask.hash = hash_of("key " + std::to_string(turn));
      ++picked[pick(view, state, ask)->endpoint->id()];
    }
    CHECK(picked[1] > 0);
    CHECK(picked.size() == (kind == conf::Balance::sticky ? 1 : 3));
  }
}
