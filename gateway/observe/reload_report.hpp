// What became of reloads, for the metrics.
#pragma once

#include <cstdint>

namespace tidegate::gateway {

struct ReloadReport {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  bool last_succeeded = true;        // true before the first: the configuration in use is the newest
  std::int64_t last_success_at = 0;  // Unix seconds; of the start before the first reload
};

}  // namespace tidegate::gateway
