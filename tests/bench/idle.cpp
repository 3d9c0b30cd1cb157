#include <array>
#include <cstdio>
#include <stdexcept>

#include "tests/bench/benches.hpp"
#include "tests/bench/child.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/hop.hpp"
#include "tests/bench/process_facts.hpp"
#include "tests/bench/table.hpp"

namespace tidegate::bench {
namespace {

// Opened and closed between the first two looks: what a hop allocates once does not count per tunnel.
// Handshakes leave free memory behind, of TLS above all, which the first tunnels use up: the second half is
// what counts.
constexpr std::size_t warm_up = 400;

struct Memory {
  std::uint64_t anonymous = 0;
  std::uint64_t heap = 0;
};

Memory memory_of(const Hop& hop) {
  const auto processes = hop.processes();
  return {anonymous_bytes(processes), heap_bytes(processes)};
}

void hold_tunnels(Channel& channel, std::uint16_t port, std::size_t count, bool tls) {
  Crowd crowd(port, tls);
  (void)channel.hear();
  crowd.open(warm_up);
  crowd.close();
  channel.say("warm");
  (void)channel.hear();
  crowd.open(count / 2);
  channel.say("half");
  (void)channel.hear();
  crowd.open(count - count / 2);
  channel.say("open");
  (void)channel.hear();
  crowd.close();
  channel.say("closed");
  (void)channel.hear();
}

double per_tunnel(std::uint64_t after, std::uint64_t before, std::size_t count) {
  return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count);
}

// Adds a row and returns the bytes per tunnel.
double add_row(Table& table, const Hop& hop, std::size_t count, bool tls) {
  auto clients = start_part([&](Channel& channel) { hold_tunnels(channel, hop.port(), count, tls); });
  const auto look_after = [&](const char* step) {
    clients.channel.say(step);
    (void)clients.channel.hear();
    return memory_of(hop);
  };
  const auto fresh = memory_of(hop);
  const auto warm = look_after("warm up");
  const auto half = look_after("open a half");
  const auto open = look_after("open");
  const auto closed = look_after("close");
  const auto kib = [](const Memory& memory) {
    return number(static_cast<double>(memory.anonymous) / 1024, 0);
  };
  const auto second = count - count / 2;
  const double bytes = per_tunnel(open.anonymous, half.anonymous, second);
  table.add({name_of(hop.kind()), number(bytes, 0), number(per_tunnel(open.heap, half.heap, second), 0),
             number(per_tunnel(open.anonymous, fresh.anonymous, count), 0), kib(fresh), kib(warm), kib(half),
             kib(open), kib(closed)});
  return bytes;
}

}  // namespace

void measure_idle(const Options& options) {
  const auto count = static_cast<std::size_t>(options.sockets);
  std::printf("%zu idle WebSocket tunnels%s, two threads each: user memory of the hop (RssAnon)\n", count,
              options.tls ? ", TLS towards clients" : "");
  Table table({"", "bytes per tunnel", "of these in [heap]", "from fresh on", "fresh, KiB", "warm, KiB",
               "half, KiB", "open, KiB", "closed again, KiB"});
  double own = 0;
  for (const auto kind : {Kind::tidegate, Kind::nginx, Kind::haproxy}) {
    const auto listening = listen_on_free_port();
    const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
    const auto hop = Hop::start(kind, options, listening.port);
    if (!hop) continue;
    const double bytes = add_row(table, *hop, count, options.tls);
    if (kind == Kind::tidegate) own = bytes;
  }
  std::printf("%s", table.text().c_str());
  if (options.ceiling > 0 && own > options.ceiling) {
    throw std::runtime_error(number(own, 0) + " bytes per tunnel; at most " +
                             std::to_string(options.ceiling) + " were allowed");
  }
}

}  // namespace tidegate::bench
