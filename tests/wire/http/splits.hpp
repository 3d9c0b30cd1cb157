// Ways in which a stream may hand over one text: a parser must come to the same answer for all of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::tests {

struct Split {
  std::string name;
  std::vector<std::string_view> pieces;
};

// Whole, byte by byte, and cut at random places, the same ones in every run.
inline std::vector<Split> splits_of(std::string_view text, unsigned random_splits = 16) {
  std::vector<Split> splits{{"whole", {text}}, {"byte by byte", {}}};
  for (std::size_t i = 0; i < text.size(); ++i) splits[1].pieces.push_back(text.substr(i, 1));
  for (unsigned seed = 1; seed <= random_splits; ++seed) {
    std::mt19937 random(seed);
    Split split{"random split " + std::to_string(seed), {}};
    const std::size_t longest = seed % 4 == 0 ? 64 : 9;
    for (auto rest = text; !rest.empty();) {
      const auto size = std::min<std::size_t>(rest.size(), 1 + random() % longest);
      split.pieces.push_back(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    splits.push_back(std::move(split));
  }
  return splits;
}

}  // namespace tidegate::tests
