#include "tests/prove/drain_record.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/prove/hop.hpp"

namespace tidegate::prove {

namespace {

constexpr double tolerance = 0.2;  // of the pace

std::string name(std::size_t pod) {
  return "pod-" + std::to_string(pod);
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Closings per second over the middle half of the window.
double pace_of(const DrainRecord& record, const PodDrain& drain, std::chrono::milliseconds window) {
  const auto from = drain.ordered + window / 4;
  const auto to = from + window / 2;
  const auto count =
      std::count_if(record.closings.begin(), record.closings.end(), [&](const Closing& closing) {
        return closing.pod == drain.pod && closing.at >= from && closing.at < to;
      });
  return static_cast<double>(count) / std::chrono::duration<double>(window / 2).count();
}

}  // namespace

std::uint64_t DrainRecord::open() const {
  std::uint64_t sum = 0;
  for (const auto& pod : pods) sum += pod.open;
  return sum;
}

std::vector<Check> judge(const DrainRecord& record, const PodDrain& drain, std::chrono::milliseconds window,
                         std::uint64_t clients, bool timed) {
  const auto configured = static_cast<double>(drain.sockets) / std::chrono::duration<double>(window).count();
  const auto seen = pace_of(record, drain, window);
  const auto pod = name(drain.pod);
  std::vector<Check> checks;
  checks.push_back({pod + ": " + std::to_string(drain.sockets) + " sockets closed at " + rounded(seen) +
                        " per second over the middle of the window (configured " + rounded(configured) +
                        "), empty after " + std::to_string(drain.emptied.count()) + " ms",
                    drain.sockets > 0 && drain.emptied.count() > 0 &&
                        (!timed || std::abs(seen - configured) <= tolerance * configured)});
  checks.push_back({pod + ": " + std::to_string(drain.back) + " of " + std::to_string(clients) +
                        " clients at the other pods then, " + std::to_string(drain.newcomers) +
                        " came to it in spite of the order",
                    drain.back == clients && drain.newcomers == 0});
  return checks;
}

Check judge_messages(std::size_t pod, const PodSight& sight, const PodCounts& counts) {
  return {name(pod) + ": sent " + std::to_string(counts.handshakes) + " greetings and " +
              std::to_string(counts.messages) + " echoes, and " + std::to_string(sight.greetings) + " and " +
              std::to_string(sight.echoes) + " arrived",
          counts.messages > 0 && sight.greetings == counts.handshakes && sight.echoes == counts.messages};
}

Check judge_closings(const DrainRecord& record, std::uint64_t drained) {
  const auto proper =
      static_cast<std::uint64_t>(std::count_if(record.closings.begin(), record.closings.end(),
                                               [](const Closing& closing) { return closing.as_configured; }));
  return {std::to_string(drained) + " sockets were drained, " + std::to_string(record.closings.size()) +
              " got a Close, " + std::to_string(proper) + " of them " + std::to_string(drain_code) + " \"" +
              std::string(drain_reason) + "\"",
          proper == drained && record.closings.size() == drained};
}

}  // namespace tidegate::prove
