#include "upstream/cluster_view.hpp"

#include <algorithm>
#include <numeric>

#include "upstream/pick.hpp"

namespace tidegate::upstream {
namespace {

constexpr std::uint64_t points_per_unit = 160;    // about 8 % deviation between equal members
constexpr std::uint64_t most_points = 64 * 1024;  // 1 MiB; above it every member gets proportionally fewer

// The n-th point of a member. Fewer points are a prefix of more, so a changed scale moves few keys.
std::uint64_t point_hash(std::uint64_t identity, std::uint64_t number) {
  std::uint64_t hash = identity + (number + 1) * 0x9e3779b97f4a7c15ULL;  // splitmix64
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

}  // namespace

std::shared_ptr<const HashRing> make_hash_ring(const std::vector<Member>& members) {
  auto ring = std::make_shared<HashRing>();
  std::uint64_t divisor = 0;
  for (const auto& member : members) divisor = std::gcd(divisor, static_cast<std::uint64_t>(member.weight));
  if (divisor == 0) return ring;

  std::uint64_t units = 0;
  for (const auto& member : members) units += static_cast<std::uint64_t>(member.weight) / divisor;
  const auto per_unit = std::clamp<std::uint64_t>(most_points / units, 1, points_per_unit);

  ring->points.reserve(units * per_unit);
  for (std::uint32_t index = 0; index < members.size(); ++index) {
    const auto count = static_cast<std::uint64_t>(members[index].weight) / divisor * per_unit;
    const auto identity = members[index].endpoint->identity();
    for (std::uint64_t number = 0; number < count; ++number) {
      ring->points.push_back({point_hash(identity, number), index});
    }
  }
  std::ranges::sort(ring->points, {}, &HashRing::Point::hash);
  return ring;
}

std::shared_ptr<const StickyIndex> make_sticky_index(const std::vector<Member>& members) {
  auto index = std::make_shared<StickyIndex>();
  index->entries.reserve(members.size());
  for (std::uint32_t member = 0; member < members.size(); ++member)
    index->entries.push_back({sticky_number(*members[member].endpoint), member});
  std::ranges::sort(index->entries, {}, &StickyIndex::Entry::number);
  return index;
}

}  // namespace tidegate::upstream
