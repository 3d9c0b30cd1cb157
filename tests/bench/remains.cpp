#include "tests/bench/remains.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <stdexcept>

#include <poll.h>

#include "tests/bench/child.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/process_facts.hpp"

namespace tidegate::bench {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr int poll_ms = 20;

double sum_in(const std::string& metrics, const std::string& name) {
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

// The descriptors are counted before the metrics are asked for, since that takes one of them: the admin
// listener closes a connection only after its client has.
Remains look(const Hop& hop) {
  const auto descriptors = open_descriptors(hop.process());
  const auto metrics = hop.metrics();
  return {sum_in(metrics, "tidegate_tunnels"),
          sum_in(metrics, "tidegate_connections"),
          sum_in(metrics, "tidegate_tunnel_bytes"),
          sum_in(metrics, "tidegate_endpoint_active"),
          descriptors,
          static_cast<double>(anonymous_bytes({hop.process()})) / 1024};
}

bool nothing_open(const Remains& now) {
  return now.tunnels + now.connections + now.buffered + now.places == 0;
}

// So many that every worker gets some.
void serve_some(const Hop& hop) {
  constexpr std::size_t some = 64;
  auto clients = start_part([&](Channel& channel) {
    Crowd crowd(hop.port());
    crowd.open(some);
    crowd.close();
    channel.say("closed");
    (void)channel.hear();
  });
  (void)clients.channel.hear();
}

// Each worker opens its spare descriptor (for when there are none left) as it begins, which may be after the
// first connections are there: it is counted once all workers have served. The connection of the look before
// may still be there and would hide one that is left behind later: the least of several counts is without.
Remains look_at_start(const Hop& hop) {
  constexpr int looks = 10;
  serve_some(hop);
  auto start = look(hop);
  const auto begun = std::chrono::steady_clock::now();
  while (!nothing_open(start)) {
    if (std::chrono::steady_clock::now() - begun > patience) {
      throw std::runtime_error("the gateway does not come to rest");
    }
    ::poll(nullptr, 0, poll_ms);
    start = look(hop);
  }
  for (int i = 0; i < looks; ++i) {
    ::poll(nullptr, 0, poll_ms);
    start.descriptors = std::min(start.descriptors, open_descriptors(hop.process()));
  }
  return start;
}

}  // namespace

double sum_of(const Hop& hop, const std::string& name) {
  return sum_in(hop.metrics(), name);
}

Aftermath::Aftermath(const Hop& hop)
    : hop_(hop),
      table_({"", "tunnels", "connections", "bytes", "places", "descriptors", "RssAnon, KiB"}),
      start_(look_at_start(hop)) {
  add_row("at the start", start_);
}

void Aftermath::note(const char* when) {
  add_row(when, look(hop_));
}

void Aftermath::expect_nothing_left(std::chrono::steady_clock::time_point gone) {
  const auto since = [gone] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - gone);
  };
  auto now = look(hop_);
  while (!nothing_left(now) && since() < patience) {
    ::poll(nullptr, 0, poll_ms);
    now = look(hop_);
  }
  const auto took = number(since().count(), 2);
  add_row("afterwards", now);
  std::printf("%s", table_.text().c_str());
  if (!nothing_left(now)) throw std::runtime_error("not all is gone after " + took + " s");
  std::printf("nothing is left after %s s\n", took.c_str());
}

bool Aftermath::nothing_left(const Remains& now) const {
  return nothing_open(now) && now.descriptors <= start_.descriptors;
}

void Aftermath::add_row(const char* when, const Remains& seen) {
  table_.add({when, number(seen.tunnels, 0), number(seen.connections, 0), number(seen.buffered, 0),
              number(seen.places, 0), std::to_string(seen.descriptors), number(seen.memory_kib, 0)});
}

}  // namespace tidegate::bench
