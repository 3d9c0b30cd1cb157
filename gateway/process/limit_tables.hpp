// The limits of a configuration with what they have counted so far.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "gateway/process/limit_table.hpp"

namespace tidegate::gateway {

// Owned by control. A limit that a new configuration has unchanged goes on with its counts; places that are
// held in an old one are left there.
class LimitTables {
 public:
  // In the order of `limits`.
  [[nodiscard]] std::vector<LimitTablePtr> take(const std::vector<conf::ClientLimit>& limits);
  [[nodiscard]] std::vector<LimitReport> reports() const;

 private:
  std::vector<LimitTablePtr> tables_;
};

// The indices of `names` in Config::limits. Names that validation should have refused are passed over.
[[nodiscard]] std::vector<std::uint32_t> limit_numbers(const conf::Config& config,
                                                       const std::vector<std::string>& names);

}  // namespace tidegate::gateway
