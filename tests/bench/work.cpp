#include "tests/bench/work.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <vector>

#include "tests/bench/child.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/table.hpp"

namespace tidegate::bench {
namespace {

using Seconds = std::chrono::duration<double>;

struct Contestant {
  Kind kind;
  Hop hop;
  std::optional<Cost> least;
};

void print(const std::vector<Contestant>& contestants, const Work& work) {
  const double units = static_cast<double>(work.count) / static_cast<double>(work.per);
  Table table(
      {"", "CPU ms per " + work.unit, "user", "system", "against tidegate", "per second of CPU", "wall s"});
  const double reference = contestants.front().least->processor.total.count();
  for (const auto& contestant : contestants) {
    const auto& cost = *contestant.least;
    const auto milliseconds = [&](std::chrono::duration<double> time) {
      return number(time.count() * 1000 / units, 2);
    };
    const double total = cost.processor.total.count();
    table.add({name_of(contestant.kind), milliseconds(cost.processor.total),
               milliseconds(cost.processor.user), milliseconds(cost.processor.system),
               number(total / reference, 2), number(static_cast<double>(work.count) / total, 0),
               number(cost.wall, 2)});
  }
  std::printf("%s", table.text().c_str());
}

}  // namespace

Cost cost_of(const Hop& hop, const Work& work) {
  auto client = start_part([&](Channel& channel) {
    const auto run = work.prepare(hop.port());
    channel.say("prepared");
    (void)channel.hear();
    run();
    channel.say("done");
    (void)channel.hear();
  });
  (void)client.channel.hear();
  const auto processes = hop.processes();
  const auto processor_before = processor_time(processes);
  const auto wall_before = std::chrono::steady_clock::now();
  client.channel.say("run");
  (void)client.channel.hear();
  const Seconds wall = std::chrono::steady_clock::now() - wall_before;
  return {processor_time(processes) - processor_before, wall.count()};
}

void compare(const Options& options, const Work& work) {
  std::printf("%s%s, two threads each, the least of %d rounds\n", work.title.c_str(),
              options.tls ? ", by TLS" : "", options.rounds);
  const auto listening = listen_on_free_port();
  const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
  std::vector<Contestant> contestants;
  for (const auto kind : {Kind::tidegate, Kind::nginx, Kind::haproxy}) {
    if (auto hop = Hop::start(kind, options, listening.port)) {
      contestants.push_back({kind, std::move(*hop), std::nullopt});
    }
  }
  for (int round = 0; round < options.rounds; ++round) {
    for (auto& contestant : contestants) {
      const auto cost = cost_of(contestant.hop, work);
      auto& least = contestant.least;
      if (!least || cost.processor.total < least->processor.total) least = cost;
    }
  }
  print(contestants, work);
}

}  // namespace tidegate::bench
