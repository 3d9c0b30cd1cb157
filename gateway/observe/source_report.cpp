#include "gateway/observe/source_report.hpp"

#include "gateway/observe/exposition.hpp"

namespace tidegate::gateway {

void write_sources(Exposition& out, const std::vector<SourceReport>& sources) {
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    out.family(name, type, help);
    for (const auto& source : sources)
      out.sample({{"upstream", source.upstream}, {"source", source.source}}, value(source));
  };
  family("tidegate_discovery_up", "gauge", "Whether a source of endpoints could be asked when it was last.",
         [](const auto& source) { return source.fault.empty() && source.spoken ? 1 : 0; });
  family("tidegate_discovery_age_seconds", "gauge",
         "Time since what a source of endpoints says was known to be true.",
         [](const auto& source) { return source.age_seconds; });
  family("tidegate_discovery_stale", "gauge",
         "Whether it could not be asked for longer than `keepEndpoints`, so that nothing new goes there.",
         [](const auto& source) { return source.stale ? 1 : 0; });
  family("tidegate_discovery_updates_total", "counter", "Changes that a source of endpoints has told.",
         [](const auto& source) { return source.updates; });
  family("tidegate_discovery_failures_total", "counter",
         "Times that a source of endpoints could not be asked, or said what is of no use.",
         [](const auto& source) { return source.failures; });
}

}  // namespace tidegate::gateway
