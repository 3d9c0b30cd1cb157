#include "upstream/cluster_view.hpp"

#include <algorithm>
#include <map>

#include "tests/support/catch.hpp"
#include "tests/upstream/cluster.hpp"
#include "upstream/pick.hpp"

using namespace tidegate;
using namespace tidegate::upstream;

namespace {

// Each member's part of the hash space.
std::vector<double> parts_of(const HashRing& ring, std::size_t members) {
  std::vector<double> parts(members, 0);
  std::uint64_t before = ring.points.back().hash;
  for (const auto& point : ring.points) {
    parts[point.member] += static_cast<double>(point.hash - before) / 18446744073709551616.0;
    before = point.hash;
  }
  return parts;
}

}  // namespace

TEST_CASE("a ring is sorted and gives each member its weight's part") {
  const auto view = make_view(conf::Balance::hash, {1, 1, 2, 4});
  REQUIRE(view.ring->points.size() == 8 * 160);
  CHECK(std::ranges::is_sorted(view.ring->points, {}, &HashRing::Point::hash));
  const auto parts = parts_of(*view.ring, 4);
  for (std::size_t index = 0; index < 4; ++index) {
    const double expected = view.members[index].weight / 8.0;
    CAPTURE(index, parts[index]);
    CHECK(parts[index] > expected * 0.75);
    CHECK(parts[index] < expected * 1.25);
  }
}

TEST_CASE("a ring counts weights by their common divisor and is bounded") {
  CHECK(make_view(conf::Balance::hash, {500, 1000}).ring->points.size() == 3 * 160);
  CHECK(make_view(conf::Balance::hash, std::vector<int>(100, 999)).ring->points.size() == 100 * 160);
  auto weights = std::vector<int>(300, 1000);
  weights.front() = 999;
  CHECK(make_view(conf::Balance::hash, weights).ring->points.size() == 299'999);
  CHECK(make_hash_ring({})->points.empty());
}

TEST_CASE("a ring does not depend on the order of its members") {
  auto members = make_view(conf::Balance::hash, {1, 2, 3}).members;
  const auto ring = make_hash_ring(members);
  const auto reversed_members = std::vector<Member>(members.rbegin(), members.rend());
  const auto reversed = make_hash_ring(reversed_members);
  REQUIRE(ring->points.size() == reversed->points.size());
  for (std::size_t index = 0; index < ring->points.size(); ++index) {
    REQUIRE(ring->points[index].hash == reversed->points[index].hash);
    REQUIRE(members[ring->points[index].member].endpoint ==
            reversed_members[reversed->points[index].member].endpoint);
  }
}

TEST_CASE("a virtual address is the single choice while an earlier one drains") {
  auto view = make_view(conf::Balance::round_robin, {1, 1});
  auto settings = std::make_shared<conf::Upstream>(*view.settings);
  settings->virtual_address = true;
  view.settings = settings;
  CHECK_FALSE(view.virtual_single());
  view.eligible.pop_back();
  CHECK(view.virtual_single());
}
