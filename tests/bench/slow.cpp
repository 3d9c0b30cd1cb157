#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <vector>

#include <poll.h>

#include "tests/bench/benches.hpp"
#include "tests/bench/child.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/hop.hpp"
#include "tests/bench/process_facts.hpp"
#include "tests/bench/requests.hpp"
#include "tests/bench/slow_clients.hpp"
#include "tests/bench/table.hpp"

namespace tidegate::bench {
namespace {

constexpr std::size_t slow_clients = 2'000;
constexpr std::size_t good_clients = 200;
constexpr int watched_ms = 2'000;

struct Waits {
  std::vector<std::chrono::nanoseconds> times;  // sorted
  [[nodiscard]] std::chrono::nanoseconds at(double share) const {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  }
};

Waits measure_waits(const Hop& hop, std::uint64_t requests) {
  Waits waits{time_requests(hop.port(), good_clients, requests)};
  std::sort(waits.times.begin(), waits.times.end());
  return waits;
}

// The least of all rounds: other work on the machine only ever adds to it.
struct Seen {
  std::optional<Waits> alone;
  std::optional<Waits> beside;
  std::optional<double> cost;  // of the slow clients: milliseconds of the hop's processor time per second
};

void keep_less(std::optional<Waits>& kept, Waits waits) {
  if (!kept || waits.at(0.99) < kept->at(0.99)) kept = std::move(waits);
}

double cost_of_slow(const Hop& hop) {
  const auto processes = hop.processes();
  const auto before = processor_time(processes).total;
  ::poll(nullptr, 0, watched_ms);
  return (processor_time(processes).total - before).count() * 1e6 / watched_ms;
}

Seen look_at(const Hop& hop, const Options& options) {
  const auto requests = static_cast<std::uint64_t>(options.requests);
  Seen seen;
  (void)measure_waits(hop, requests / 10);  // so that it has its connections to the server
  for (int round = 0; round < options.rounds; ++round) {
    keep_less(seen.alone, measure_waits(hop, requests));
    auto slow = start_part([&](Channel& channel) { be_slow(channel, hop.port(), slow_clients); });
    (void)slow.channel.hear();
    const double cost = cost_of_slow(hop);
    seen.cost = std::min(seen.cost.value_or(cost), cost);
    keep_less(seen.beside, measure_waits(hop, requests));
  }
  return seen;
}

void add_rows(Table& table, Kind kind, const Seen& seen) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  const auto text = [](std::chrono::nanoseconds time) { return number(Milliseconds(time).count(), 2); };
  const auto row = [&](const char* what, const Waits& waits, std::vector<std::string> more) {
    std::vector<std::string> cells{std::string(name_of(kind)) + what, text(waits.at(0.5)),
                                   text(waits.at(0.99)), text(waits.at(1.0))};
    cells.insert(cells.end(), more.begin(), more.end());
    table.add(std::move(cells));
  };
  const auto p99 = [](const Waits& waits) { return static_cast<double>(waits.at(0.99).count()); };
  row(" alone", *seen.alone, {"", ""});
  row(" beside the slow", *seen.beside,
      {number(p99(*seen.beside) / p99(*seen.alone), 2), number(*seen.cost, 0)});
}

}  // namespace

void measure_slow(const Options& options) {
  if (options.tls) throw std::runtime_error("slow: not with --tls");
  std::printf("%zu good clients, %d requests, alone and beside %zu slow ones; the least of %d rounds\n",
              good_clients, options.requests, slow_clients, options.rounds);
  const auto listening = listen_on_free_port();
  const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
  Table table({"", "p50, ms", "p99, ms", "max, ms", "p99 against alone", "CPU ms per s for the slow"});
  for (const auto kind : {Kind::tidegate, Kind::nginx, Kind::haproxy}) {
    if (const auto hop = Hop::start(kind, options, listening.port))
      add_rows(table, kind, look_at(*hop, options));
  }
  std::printf("%s", table.text().c_str());
}

}  // namespace tidegate::bench
