#include "tests/prove/reload_record.hpp"

#include <algorithm>
#include <string>

#include "tests/prove/hop.hpp"

namespace tidegate::prove {

namespace {

// A descriptor or a configuration that each reload leaves behind is more than this.
constexpr int reloads_per_descriptor = 5;
constexpr std::uint64_t bytes_per_reload = 32 * 1024;
// What comes and goes with the load.
constexpr std::size_t spare_descriptors = 8;
constexpr std::uint64_t spare_bytes = 2 * 1024 * 1024;

std::string kilobytes(std::uint64_t bytes) {
  return std::to_string(bytes / 1024) + " KB";
}

}  // namespace

std::vector<Check> judge(const ReloadRecord& record, const WebCounts& web, bool timed) {
  std::vector<Check> checks;
  checks.push_back(
      {std::to_string(record.reloads) + " reloads in " + std::to_string(record.time.count()) +
           " ms (planned " + std::to_string(record.planned.count()) + "), the slowest " +
           std::to_string(record.slowest.count()) + " ms",
       !timed || record.time <= record.planned * 2});  // on a machine that does other things, too
  checks.push_back({std::to_string(web.kept) + " requests on kept connections and " +
                        std::to_string(web.fresh) + " on new ones, " + std::to_string(web.failed) +
                        " failed, " + std::to_string(web.stale) + " were answered by what was replaced",
                    web.kept > 0 && web.fresh > 0 && web.failed == 0 && web.stale == 0});
  checks.push_back({std::to_string(web.serials.size()) + " certificates were shown, number " +
                        std::to_string(web.last_serial) + " in the end (the last one made is " +
                        std::to_string(record.last_serial) + ")",
                    web.last_serial == record.last_serial});
  const auto reloads = static_cast<std::size_t>(record.reloads);
  checks.push_back({std::to_string(record.before.descriptors) + " descriptors open before them, " +
                        std::to_string(record.after.descriptors) + " after them",
                    record.after.descriptors <=
                        record.before.descriptors + spare_descriptors + reloads / reloads_per_descriptor});
  checks.push_back({kilobytes(record.before.bytes) + " of memory before them, " +
                        kilobytes(record.after.bytes) + " after them",
                    record.after.bytes <= record.before.bytes + spare_bytes + reloads * bytes_per_reload});
  return checks;
}

Check judge_staying(const DrainRecord& record, std::uint64_t clients) {
  std::uint64_t opened = 0;
  for (const auto& pod : record.pods) opened += pod.greetings;
  return {std::to_string(clients) +
              " sockets of routes that stay: " + std::to_string(record.closings.size()) + " closed, " +
              std::to_string(opened - clients) + " opened again",
          record.closings.empty() && opened == clients};
}

Check judge_leaving(const DrainRecord& record, std::uint64_t clients) {
  const auto proper =
      static_cast<std::uint64_t>(std::count_if(record.closings.begin(), record.closings.end(),
                                               [](const Closing& closing) { return closing.as_configured; }));
  return {std::to_string(clients) + " sockets of a route that was removed: " + std::to_string(proper) +
              " closed by " + std::to_string(drain_code) + " \"" + std::string(drain_reason) + "\"",
          proper == clients && record.closings.size() == clients};
}

}  // namespace tidegate::prove
