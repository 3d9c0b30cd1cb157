// What is to be known of a source of discovery.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::gateway {

class Exposition;

struct SourceReport {
  std::string upstream;
  std::string source;         // `dns soketi:6001`
  bool spoken = false;        // it has told its endpoints at least once
  std::string fault;          // why it cannot be asked; empty: it can
  double age_seconds = 0;     // since it was last known to be true; before that: since it was begun with
  bool stale = false;         // longer than `keepEndpoints`: nothing new goes to what only it has
  std::uint64_t updates = 0;  // that changed something
  std::uint64_t failures = 0;
};

// The families `tidegate_discovery_...`.
void write_sources(Exposition& out, const std::vector<SourceReport>& sources);

}  // namespace tidegate::gateway
