// Picking among more endpoints than are looked at, and among priorities.
#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "tests/support/catch.hpp"
#include "tests/upstream/cluster.hpp"
#include "upstream/pick.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t many = 1000;
constexpr conf::Balance all_kinds[] = {conf::Balance::round_robin, conf::Balance::least_connections,
                                       conf::Balance::random_two, conf::Balance::hash, conf::Balance::sticky};

ClusterView crowd_of(conf::Balance kind, std::vector<int> weights = std::vector<int>(many, 1)) {
  auto view = make_view(kind, weights, 1'000'000);
  view.greatest_weight = *std::max_element(weights.begin(), weights.end());
  view.even = view.greatest_weight == *std::min_element(weights.begin(), weights.end());
  return view;
}

PickAsk ask_for(int turn) {
  PickAsk ask;
  ask.hash = hash_of("key " + std::to_string(turn));
  ask.now = TimePoint{1h};
  return ask;
}

std::vector<int> count_picks(const ClusterView& view, int picks, bool keep = false) {
  PickState state;
  std::vector<int> counts(view.members.size(), 0);
  for (int turn = 0; turn < picks; ++turn) {
    const auto* member = pick(view, state, ask_for(turn));
    REQUIRE(member != nullptr);
    if (keep) REQUIRE(member->endpoint->reserve());
    ++counts[member->endpoint->id() - 1];
  }
  return counts;
}

}  // namespace

TEST_CASE("of a crowd, only those that can take it are picked, down to the last") {
  for (const auto kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    const auto view = crowd_of(kind);
    for (std::size_t i = 0; i < many; ++i) {
      if (i != 777) view.members[i].endpoint->set_state(EndpointState::draining);
    }
    const auto counts = count_picks(view, 20);
    CHECK(counts[777] == 20);
    view.members[777].endpoint->set_state(EndpointState::unready);
    PickState state;
    CHECK(pick(view, state, ask_for(0)) == nullptr);
  }
}

TEST_CASE("a round over a crowd of equals takes each in turn") {
  const auto counts = count_picks(crowd_of(conf::Balance::round_robin), many * 3);
  CHECK(std::ranges::all_of(counts, [](int count) { return count == 3; }));
}

TEST_CASE("a round over a crowd goes by weights, and by the shares of a slow start") {
  std::vector<int> weights(many, 1);
  std::fill_n(weights.begin(), many / 2, 3);
  auto view = crowd_of(conf::Balance::round_robin, weights);
  const auto heavy_of = [](const std::vector<int>& counts) {
    return std::accumulate(counts.begin(), counts.begin() + many / 2, 0);
  };
  CHECK(std::abs(heavy_of(count_picks(view, 40'000)) - 30'000) < 600);
  auto settings = std::make_shared<conf::Upstream>(*view.settings);
  settings->slow_start = 10s;
  view.settings = settings;
  for (std::size_t i = 0; i < many / 2; ++i) view.members[i].endpoint->set_ready_since(TimePoint{1h});
  // A tenth of three against one.
  CHECK(std::abs(heavy_of(count_picks(view, 40'000)) - 40'000 * 3 / 13) < 600);
}

TEST_CASE("least connections of a crowd keeps the loads close together") {
  const auto counts = count_picks(crowd_of(conf::Balance::least_connections), many * 20, true);
  const auto [least, most] = std::ranges::minmax(counts);
  CHECK(least >= 17);
  CHECK(most <= 22);
}

TEST_CASE("the less busy of two of a crowd") {
  const auto counts = count_picks(crowd_of(conf::Balance::random_two), many * 20, true);
  CHECK(std::ranges::max(counts) <= 25);
}

TEST_CASE("a sticky cookie finds its endpoint in a crowd") {
  const auto view = crowd_of(conf::Balance::sticky);
  PickState state;
  for (std::size_t i = 0; i < many; i += 97) {
    const auto cookie = sticky_value(*view.members[i].endpoint);
    auto ask = ask_for(0);
    ask.sticky = cookie;
    CHECK(pick(view, state, ask) == &view.members[i]);
  }
}

TEST_CASE("the spare ones are picked where none of the first priority can take it") {
  for (const auto kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    auto view = make_view(kind, {1, 1, 1, 1}, 1);
    view.members[2].priority = view.members[3].priority = 1;
    view.eligible = {0, 1};
    view.spare = {2, 3};
    PickState state;
    std::vector<EndpointId> picked;
    for (int turn = 0; turn < 4; ++turn) {
      const auto* member = pick(view, state, ask_for(turn));
      REQUIRE(member != nullptr);
      REQUIRE(member->endpoint->reserve());
      picked.push_back(member->endpoint->id());
    }
    CHECK(std::max(picked[0], picked[1]) == 2);
    CHECK(std::min(picked[2], picked[3]) == 3);
    CHECK(pick(view, state, ask_for(9)) == nullptr);
  }
}
