// tidegate-bench: what the gateway costs, beside nginx and HAProxy on the same machine at the same time.

#include <cstdio>
#include <exception>
#include <functional>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include "tests/bench/benches.hpp"
#include "tests/bench/child.hpp"
#include "tests/support/missing.hpp"

namespace tidegate::bench {
namespace {

// Clients and server inherit it; so do the hops. Where the hard limit is low there are fewer tunnels, since a
// hop needs two descriptors for each.
void raise_descriptor_limit(Options& options) {
  constexpr rlim_t others = 200;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto most = limit.rlim_max > others ? (limit.rlim_max - others) / 2 : 1;
  if (most >= static_cast<rlim_t>(options.sockets)) return;
  options.sockets = static_cast<int>(most);
  std::printf("a process may have %llu descriptors here: %d tunnels\n",
              static_cast<unsigned long long>(limit.rlim_max), options.sockets);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--tidegate", options.tidegate, "the gateway's program")
      ->envname("TIDEGATE_PROGRAM")
      ->required();
  app.add_option("--nginx", options.nginx, "nginx; `none` leaves it out")->capture_default_str();
  app.add_option("--haproxy", options.haproxy, "HAProxy; `none` leaves it out")->capture_default_str();
  const auto count = [&app](const std::string& flag, int& value, const std::string& meaning) {
    app.add_option(flag, value, meaning)->check(CLI::PositiveNumber)->capture_default_str();
  };
  count("--sockets", options.sockets, "idle, vanish: tunnels (two descriptors each)");
  app.add_flag("--tls", options.tls, "idle, http, messages, frames, handshakes: clients come by TLS");
  app.add_flag("--half-open", options.half_open,
               "vanish: without FIN or RST, clients and pods; needs root or user namespaces, and nft");
  count("--ceiling", options.ceiling, "idle: fails if the gateway needs more bytes per tunnel");
  count("--requests", options.requests, "http, slow: requests");
  count("--connections", options.connections, "http: connections");
  count("--messages", options.messages, "messages: messages");
  count("--message-sockets", options.message_sockets, "messages: tunnels");
  count("--handshakes", options.handshakes, "handshakes: handshakes");
  count("--rounds", options.rounds, "of each measurement of time; the least one counts");
  count("--change-seconds", options.change_seconds, "discovery: so long endpoints change");
  count("--frame-rounds", options.frame_rounds, "frames: rounds; the median counts");
}

using Bench = std::function<void(const Options&)>;

void add_bench(CLI::App& app, const char* name, const char* what, Bench& chosen, Bench bench) {
  app.add_subcommand(name, what)->fallthrough()->callback([&chosen, bench] { chosen = bench; });
}

int run(int argc, char** argv) {
  Options options;
  Bench chosen;
  CLI::App app("What the gateway costs, beside nginx and HAProxy.", "tidegate-bench");
  add_options(app, options);
  app.require_subcommand(1);
  add_bench(app, "idle", "user memory per idle WebSocket tunnel", chosen, measure_idle);
  add_bench(app, "vanish", "what clients that vanish leave behind", chosen, measure_vanish);
  add_bench(app, "http", "processor time per keep-alive request", chosen, measure_http);
  add_bench(app, "messages", "processor time per WebSocket message", chosen, measure_messages);
  add_bench(app, "frames", "processor time of following frames, beside passing bytes", chosen,
            measure_frames);
  add_bench(app, "slow", "what good clients wait beside 2,000 slow ones", chosen, measure_slow);
  add_bench(app, "discovery", "what 5,000 endpoints of one upstream cost, and 100 changes of them a second",
            chosen, measure_discovery);
  add_bench(app, "handshakes", "processor time per WebSocket handshake", chosen, measure_handshakes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  raise_descriptor_limit(options);
  end_on_interrupt();
  chosen(options);
  return 0;
}

}  // namespace
}  // namespace tidegate::bench

int main(int argc, char** argv) {
  try {
    return tidegate::bench::run(argc, argv);
  } catch (const tidegate::test::Missing& missing) {
    std::fprintf(stderr, "tidegate-bench: %s\n", missing.what());
    return tidegate::test::status_missing;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tidegate-bench: %s\n", error.what());
    return 1;
  }
}
