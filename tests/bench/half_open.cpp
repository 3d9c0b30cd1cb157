#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include <poll.h>

#include "tests/bench/benches.hpp"
#include "tests/bench/child.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/hop.hpp"
#include "tests/bench/remains.hpp"
#include "tests/support/own_network.hpp"

namespace tidegate::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_pod_tunnels = 100;
constexpr std::chrono::seconds patience{30};
constexpr int poll_ms = 20;

// From now on packets from this port are lost, or those to it as well. They are lost where they arrive: the
// sender is not told.
enum class Lost { from, both };
void lose_packets(std::uint16_t port, Lost lost) {
  const auto number = std::to_string(port);
  std::string rules =
      "table ip lost\ndelete table ip lost\ntable ip lost {\n"
      "  chain input {\n    type filter hook input priority 0; policy accept;\n"
      "    tcp sport " +
      number + " drop\n";
  if (lost == Lost::both) rules += "    tcp dport " + number + " drop\n";
  test::set_packet_rules(rules + "  }\n}\n");
}

// The echoes are written to the clients, who do not get them.
void await_messages(const Hop& hop, std::size_t count) {
  const auto begun = Clock::now();
  while (sum_of(hop, "tidegate_tunnel_messages_total") < static_cast<double>(count)) {
    if (Clock::now() - begun > patience) throw std::runtime_error("the messages are not echoed");
    ::poll(nullptr, 0, poll_ms);
  }
}

// The server, the gateway before it and its clients.
struct Scene {
  explicit Scene(const Options& options)
      : listening(listen_on_free_port()),
        server(start_part([this](Channel&) { serve_echo(listening.socket); })),
        hop(Hop::start(Kind::tidegate, options, listening.port)) {
    if (!hop) throw std::runtime_error("the gateway's program is needed: --tidegate PATH");
  }

  ListeningSocket listening;
  Part server;
  std::optional<Hop> hop;
};

void lose_clients(const Options& options) {
  const auto count = static_cast<std::size_t>(options.sockets);
  std::printf(
      "%zu clients open a WebSocket and vanish without FIN or RST, every other one with a message on its way "
      "to it\n",
      count);
  const Scene scene(options);
  const auto port = scene.hop->port();
  Aftermath aftermath(*scene.hop);
  auto clients = start_part([&](Channel& channel) {
    Crowd crowd(port);
    crowd.open(count);
    channel.say("open");
    (void)channel.hear();
    crowd.speak();
    channel.say("spoken");
    (void)channel.hear();
    crowd.vanish();
    channel.say("gone");
    (void)channel.hear();
  });
  (void)clients.channel.hear();
  aftermath.note("all open");
  lose_packets(port, Lost::from);
  clients.channel.say("speak");
  (void)clients.channel.hear();
  const auto messages = (count + 1) / 2;
  await_messages(*scene.hop, 2 * messages);  // counted there and back
  lose_packets(port, Lost::both);
  const auto gone = Clock::now();
  clients.channel.say("vanish");
  (void)clients.channel.hear();
  aftermath.note("vanished");
  aftermath.expect_nothing_left(gone);
}

void lose_pods(const Options& options) {
  const auto count = std::min(static_cast<std::size_t>(options.sockets), most_pod_tunnels);
  std::printf("%zu WebSockets whose pod vanishes without FIN or RST, every other one with a message to it\n",
              count);
  const Scene scene(options);
  Aftermath aftermath(*scene.hop);
  auto clients = start_part([&](Channel& channel) {
    Crowd crowd(scene.hop->port());
    crowd.open(count);
    channel.say("open");
    (void)channel.hear();
    crowd.speak();
    crowd.await_close();
    channel.say("closed");
    (void)channel.hear();
  });
  (void)clients.channel.hear();
  aftermath.note("all open");
  lose_packets(scene.listening.port, Lost::both);
  const auto gone = Clock::now();
  clients.channel.say("speak");
  aftermath.note("vanished");
  (void)clients.channel.hear();
  std::printf("every client got a Close\n");
  aftermath.expect_nothing_left(gone);
}

}  // namespace

void measure_half_open(const Options& options) {
  test::enter_own_network();
  lose_clients(options);
  lose_pods(options);
}

}  // namespace tidegate::bench
