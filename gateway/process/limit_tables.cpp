#include "gateway/process/limit_tables.hpp"

#include <algorithm>

namespace tidegate::gateway {

std::vector<LimitTablePtr> LimitTables::take(const std::vector<conf::ClientLimit>& limits) {
  std::vector<LimitTablePtr> tables;
  for (const auto& limit : limits) {
    const auto kept = std::find_if(tables_.begin(), tables_.end(), [&](const auto& table) {
      return table->settings().name == limit.name && table->settings().counts_like(limit);
    });
    tables.push_back(kept != tables_.end() ? *kept : std::make_shared<LimitTable>(limit));
  }
  tables_ = tables;
  return tables;
}

std::vector<LimitReport> LimitTables::reports() const {
  std::vector<LimitReport> reports;
  for (const auto& table : tables_) reports.push_back(table->report());
  return reports;
}

std::vector<std::uint32_t> limit_numbers(const conf::Config& config, const std::vector<std::string>& names) {
  std::vector<std::uint32_t> numbers;
  for (const auto& name : names) {
    for (std::uint32_t i = 0; i < config.limits.size(); ++i) {
      if (config.limits[i].name == name) numbers.push_back(i);
    }
  }
  return numbers;
}

}  // namespace tidegate::gateway
