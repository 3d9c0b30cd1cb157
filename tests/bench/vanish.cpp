#include <chrono>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <stdexcept>

#include <poll.h>

#include "tests/bench/benches.hpp"
#include "tests/bench/child.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/hop.hpp"
#include "tests/bench/process_facts.hpp"
#include "tests/bench/table.hpp"

namespace tidegate::bench {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr int poll_ms = 20;

struct Remains {
  double tunnels = 0;
  double connections = 0;
  double buffered = 0;  // bytes
  double places = 0;    // in use at the endpoint
  std::size_t descriptors = 0;
  double memory_kib = 0;
};

// The sum over all label sets of a metric.
double sum_of(const std::string& metrics, const std::string& name) {
  std::istringstream lines(metrics);
  double sum = 0;
  bool found = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.substr(0, line.find_first_of("{ ")) != name) continue;
    sum += std::stod(line.substr(line.rfind(' ')));
    found = true;
  }
  if (!found) throw std::runtime_error("/metrics has no " + name);
  return sum;
}

// Counts the descriptors until there are no more than `start`, for at most a second: the connection that a
// look needs is gone a little later than its answer has come, and another look would open another.
void count_descriptors(const Hop& hop, const Remains& start, Remains& now) {
  for (int left = 1'000 / poll_ms; now.descriptors > start.descriptors && left > 0; --left) {
    ::poll(nullptr, 0, poll_ms);
    now.descriptors = open_descriptors(hop.process());
  }
}

Remains look(const Hop& hop) {
  const auto metrics = hop.metrics();
  return {
      sum_of(metrics, "tidegate_tunnels"),      sum_of(metrics, "tidegate_connections"),
      sum_of(metrics, "tidegate_tunnel_bytes"), sum_of(metrics, "tidegate_endpoint_active"),
      open_descriptors(hop.process()),          static_cast<double>(anonymous_bytes({hop.process()})) / 1024};
}

bool nothing_left(const Remains& now, const Remains& start) {
  return now.tunnels + now.connections + now.buffered + now.places == 0 &&
         now.descriptors <= start.descriptors;
}

void add_row(Table& table, const char* when, const Remains& seen) {
  table.add({when, number(seen.tunnels, 0), number(seen.connections, 0), number(seen.buffered, 0),
             number(seen.places, 0), std::to_string(seen.descriptors), number(seen.memory_kib, 0)});
}

void come_and_vanish(Channel& channel, std::uint16_t port, std::size_t count) {
  Crowd crowd(port);
  crowd.open(count);
  channel.say("open");
  (void)channel.hear();
  crowd.vanish();
  channel.say("gone");
  (void)channel.hear();
}

}  // namespace

void measure_vanish(const Options& options) {
  const auto count = static_cast<std::size_t>(options.sockets);
  std::printf("%zu clients open a WebSocket and vanish without a Close, every other one by RST\n", count);
  const auto listening = listen_on_free_port();
  const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
  const auto hop = Hop::start(Kind::tidegate, options, listening.port);
  if (!hop) throw std::runtime_error("the gateway's program is needed: --tidegate PATH");

  Table table({"", "tunnels", "connections", "bytes", "places", "descriptors", "RssAnon, KiB"});
  (void)hop->metrics();  // what the admin listener opens at its first use
  Remains start = look(*hop);
  add_row(table, "at the start", start);
  auto clients = start_part([&](Channel& channel) { come_and_vanish(channel, hop->port(), count); });
  (void)clients.channel.hear();
  add_row(table, "all open", look(*hop));
  clients.channel.say("vanish");
  (void)clients.channel.hear();

  const auto gone = std::chrono::steady_clock::now();
  auto now = look(*hop);
  while (!nothing_left(now, start) && std::chrono::steady_clock::now() - gone < patience) {
    ::poll(nullptr, 0, poll_ms);
    now = look(*hop);
    count_descriptors(*hop, start, now);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - gone;
  add_row(table, "afterwards", now);
  std::printf("%s", table.text().c_str());
  if (!nothing_left(now, start)) {
    throw std::runtime_error("not all is gone after " + number(took.count(), 1) + " s");
  }
  std::printf("nothing is left after %.2f s\n", took.count());
}

}  // namespace tidegate::bench
