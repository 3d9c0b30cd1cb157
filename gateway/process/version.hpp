#pragma once

#include <string_view>

namespace tidegate::gateway {

// The release, as in `tidegate --version`; set by the build.
[[nodiscard]] constexpr std::string_view version() {
  return TIDEGATE_VERSION;
}

}  // namespace tidegate::gateway
