// The configurations that the gateway of a reload trial is given one after another. Pure.
#pragma once

#include <string>
#include <string_view>

#include "tests/prove/hop.hpp"
#include "tests/prove/options.hpp"

namespace tidegate::prove {

// Sockets that are opened here have a route of their own, as long as it is there.
inline constexpr std::string_view leaving_path = "/app/leaving";
// The route of the requests, whose answers name the configuration in `x-step`.
inline constexpr std::string_view web_path = "/headers";

struct ReloadStep {
  int number = 0;       // what the answers name
  int pattern = 0;      // which of the things that come and go are there; a full round has `pattern_length`
  bool leaving = true;  // the route of `leaving_path` is there
};
inline constexpr int pattern_length = 150;

[[nodiscard]] std::string reload_configuration(const Options& options, const Layout& layout,
                                               const ReloadStep& step);

}  // namespace tidegate::prove
