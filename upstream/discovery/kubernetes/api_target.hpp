// The two questions that are ever put to an API server, as targets of requests (RFC 3986). Pure.
#pragma once

#include <chrono>
#include <string>

namespace tidegate::upstream {

// Whose slices.
struct SliceSelection {
  std::string name_space;
  std::string service;
};

// A page of the list as it is now. `next` is the last page's, empty for the first one.
[[nodiscard]] std::string list_target(const SliceSelection& selection, const std::string& next);

// What changed after `version`, for that long, with bookmarks.
[[nodiscard]] std::string watch_target(const SliceSelection& selection, const std::string& version,
                                       std::chrono::seconds span);

}  // namespace tidegate::upstream
