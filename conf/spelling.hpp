// Finds the known word nearest to a misspelt one, for "did you mean".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidegate::conf {

// Of ASCII letters.
[[nodiscard]] std::string in_lower_case(std::string_view text);

// Edits (insert, delete, replace, swap of neighbours) between two words; letter case, `-` and `_` do not
// count, so that `read_timeout` is 0 away from `readTimeout`. Quadratic: words over 64 bytes count as
// infinitely far.
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right);

// The nearest of `known`, or nothing if none is near enough to be meant (a third of the word, at least one
// edit).
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> known);

}  // namespace tidegate::conf
