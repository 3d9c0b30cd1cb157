#include <cstdio>
#include <stdexcept>

#include "tests/bench/benches.hpp"
#include "tests/bench/child.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/hop.hpp"
#include "tests/bench/remains.hpp"

namespace tidegate::bench {
namespace {

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
  if (options.tls) throw std::runtime_error("vanish: not with --tls");
  if (options.half_open) return measure_half_open(options);
  const auto count = static_cast<std::size_t>(options.sockets);
  std::printf("%zu clients open a WebSocket and vanish without a Close, every other one by RST\n", count);
  const auto listening = listen_on_free_port();
  const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
  const auto hop = Hop::start(Kind::tidegate, options, listening.port);
  if (!hop) throw std::runtime_error("the gateway's program is needed: --tidegate PATH");

  Aftermath aftermath(*hop);
  auto clients = start_part([&](Channel& channel) { come_and_vanish(channel, hop->port(), count); });
  (void)clients.channel.hear();
  aftermath.note("all open");
  clients.channel.say("vanish");
  (void)clients.channel.hear();
  aftermath.expect_nothing_left(std::chrono::steady_clock::now());
}

}  // namespace tidegate::bench
