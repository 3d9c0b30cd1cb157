#include "tests/prove/trials.hpp"

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "tests/prove/crowd.hpp"
#include "tests/prove/fetch.hpp"
#include "tests/prove/k6.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds tick{250};
constexpr std::chrono::hours until_told{24};
constexpr milliseconds newcomer_interval{100};
// A hop that probes every second knows of an outage after that and a moment; who came before is let through.
constexpr milliseconds knowing_time{2000};

// The restarts, going on beside the load.
struct Restarting {
  bool done = false;
  std::exception_ptr failure;
};

std::shared_ptr<Restarting> start_restarts(Scene& scene, Clock::time_point began) {
  auto restarting = std::make_shared<Restarting>();
  asio::co_spawn(scene.context, scene.pods.roll(began), [restarting](std::exception_ptr failure) {
    restarting->done = true;
    restarting->failure = failure;
  });
  return restarting;
}

std::size_t count_restarts(const Rollout& rollout) {
  std::size_t count = 0;
  for (const auto& step : rollout.steps) count += step.kind == Step::Kind::all_down ? 3 : 1;
  return count;
}

asio::awaitable<void> show_until(Scene& scene, const Load& load, Clock::time_point end) {
  while (Clock::now() < end) {
    scene.progress.show(load.tally);
    co_await pause(tick);
  }
}

asio::awaitable<void> finish(Scene& scene, Crowd& crowd, Load& load) {
  scene.progress.event("closing");
  co_await crowd.finish();
  scene.result.tally = std::move(load.tally);
}

asio::awaitable<void> hold_rollout(Scene& scene) {
  auto load = make_load(scene);
  if (scene.options.trial() == Trial::soketi) {
    // New sockets are what it is about. The clients come from one address, as those behind a balancer do: the
    // Closes of open sockets, which have talked, are no sign then.
    load.addresses = 1;
    load.shortest_hold = milliseconds(200);
    load.longest_hold = milliseconds(1000);
  }
  Crowd crowd(scene.context, load, static_cast<unsigned>(scene.options.clients));
  scene.progress.begin(load.began);
  crowd.start();
  const auto restarting = start_restarts(scene, load.began);
  co_await show_until(scene, load, load.began + scene.options.time);
  while (!restarting->done) co_await show_until(scene, load, Clock::now() + tick);
  if (restarting->failure) std::rethrow_exception(restarting->failure);
  co_await finish(scene, crowd, load);
}

asio::awaitable<void> hold_soketi(Scene& scene) {
  co_await hold_rollout(scene);
  const auto count = scene.result.tally->turned_away;
  const auto who = std::to_string(count) + " new sockets were sent away by their pod before its greeting";
  auto& checks = scene.result.checks;
  switch (scene.options.signs) {
    case Signs::first_frames: checks.push_back({who, count == 0}); break;
    case Signs::closes: checks.push_back({"for comparison: " + who, true}); break;
    // Where nothing hides them and there are none, the trial has shown nothing.
    case Signs::probes: checks.push_back({"for comparison: " + who, count > 0}); break;
  }
}

// The same, and the gateway has asked for nothing else than it says.
asio::awaitable<void> hold_kubernetes(Scene& scene) {
  co_await hold_rollout(scene);
  const auto counts = scene.service->counts();
  scene.result.checks.push_back(
      {"the API server was asked for lists and watches of endpointslices only: " +
           std::to_string(counts.lists) + " and " + std::to_string(counts.watches),
       counts.lists > 0 && counts.watches > 0 && counts.others == 0 && counts.refused == 0});
}

asio::awaitable<void> hold_k6_rollout(Scene& scene) {
  const auto began = Clock::now();
  scene.progress.begin(began);
  const auto restarting = start_restarts(scene, began);
  const auto status = co_await run_k6(scene.context, scene.options, scene.hop.address());
  while (!restarting->done) co_await pause(tick);
  if (restarting->failure) std::rethrow_exception(restarting->failure);
  scene.result.checks.push_back(
      {"k6 found its thresholds kept (exit status " + std::to_string(status) + ")", status == 0});
}

// Newcomers arrive one after another while no pod is ready; the tally of their load tells how they fared.
asio::awaitable<void> admit_newcomers(Scene& scene, Crowd& newcomers, const Load& load,
                                      Clock::time_point end) {
  while (Clock::now() < end) {
    newcomers.add_client();
    scene.progress.show(load.tally);
    co_await pause(newcomer_interval);
  }
}

void judge_unready(Scene& scene, const Load& load, const Load& late, std::uint64_t let_through) {
  auto& checks = scene.result.checks;
  const auto clients = static_cast<std::uint64_t>(scene.options.clients);
  const auto& tally = load.tally;
  const auto closed = tally.switched - tally.open;
  checks.push_back({std::to_string(tally.open) + " of " + std::to_string(clients) +
                        " sockets were open before, and " + std::to_string(closed) +
                        " of them closed meanwhile",
                    tally.open == clients && closed == 0 && tally.handshakes == clients});
  const auto& newcomers = late.tally;
  const auto waited = newcomers.switched - std::min(newcomers.switched, let_through);
  checks.push_back({std::to_string(newcomers.switched) + " of " + std::to_string(newcomers.handshakes) +
                        " newcomers got 101, the slowest after " +
                        std::to_string(newcomers.time_at(1.0).count() / 1000) + " ms",
                    newcomers.handshakes > 0 && newcomers.failed_handshakes() == 0});
  const auto allowed = static_cast<std::uint64_t>(knowing_time / newcomer_interval);
  checks.push_back({std::to_string(waited) + " newcomers waited; " + std::to_string(let_through) +
                        " came before the hop knew (at most " + std::to_string(allowed) + ")",
                    waited > 0 && let_through <= allowed});
}

asio::awaitable<void> hold_unready(Scene& scene) {
  auto load = make_load(scene);
  load.shortest_hold = load.longest_hold = until_told;
  auto late = make_load(scene);
  late.shortest_hold = late.longest_hold = until_told;
  const auto clients = static_cast<unsigned>(scene.options.clients);
  Crowd crowd(scene.context, load, clients);
  Crowd newcomers(scene.context, late, 0);
  scene.progress.begin(load.began);
  crowd.start();
  // Every socket is open and has had its first echo.
  const auto open_deadline = Clock::now() + load.handshake_patience;
  while (load.tally.echoed < clients && Clock::now() < open_deadline) {
    co_await show_until(scene, load, Clock::now() + milliseconds(50));
  }
  const milliseconds outage = *scene.options.unready;
  co_await scene.pods.turn_unready(outage);
  co_await admit_newcomers(scene, newcomers, load, Clock::now() + outage - newcomer_interval);
  scene.progress.event("pods ready again");
  const auto answer_deadline = Clock::now() + late.handshake_patience;
  while (!newcomers.all_answered() && Clock::now() < answer_deadline) {
    co_await show_until(scene, load, Clock::now() + milliseconds(50));
  }
  std::uint64_t let_through = 0;
  const auto all_counts = co_await scene.pods.counts();
  for (const auto& counts : all_counts) let_through += counts.handshakes_unready;
  judge_unready(scene, load, late, let_through);
  co_await newcomers.finish();
  scene.result.checks.push_back(
      {"every newcomer's messages were echoed and its Close answered", late.tally.flawless()});
  for (auto& sample : late.tally.samples) load.tally.note("newcomer " + sample);
  co_await finish(scene, crowd, load);
}

asio::awaitable<void> hold_capacity(Scene& scene) {
  auto load = make_load(scene);
  // Short, so that whoever waits for a place is soon given one.
  load.shortest_hold = milliseconds(100);
  load.longest_hold = milliseconds(500);
  Crowd crowd(scene.context, load, static_cast<unsigned>(scene.options.clients));
  scene.progress.begin(load.began);
  crowd.start();
  co_await show_until(scene, load, load.began + scene.options.time);
  co_await finish(scene, crowd, load);
  const auto limit = static_cast<std::uint64_t>(*scene.options.max_connections);
  std::string peaks;
  bool kept = true;
  const auto all_counts = co_await scene.pods.counts();
  for (const auto& counts : all_counts) {
    peaks += (peaks.empty() ? "" : ", ") + std::to_string(counts.peak);
    kept = kept && counts.peak > 0 && counts.peak <= limit;
  }
  scene.result.checks.push_back(
      {"most sockets that each pod itself counted: " + peaks + " (limit " + std::to_string(limit) + ")",
       kept});
}

}  // namespace

std::shared_ptr<asio::ssl::context> trust(const test::Authority& authority) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  context->load_verify_file(authority.file());
  context->set_verify_mode(asio::ssl::verify_peer);
  return context;
}

Load make_load(Scene& scene) {
  Load load;
  if (scene.options.tls) load.tls = trust(*scene.authority);
  load.hop = scene.hop.address();
  load.began = Clock::now();
  return load;
}

asio::awaitable<void> hold_trial(Scene& scene) {
  scene.result.restarts = count_restarts(scene.rollout);
  switch (scene.options.trial()) {
    case Trial::rollout: return scene.options.k6 ? hold_k6_rollout(scene) : hold_rollout(scene);
    case Trial::unready: return hold_unready(scene);
    case Trial::drain: return hold_drain(scene);
    case Trial::soketi: return hold_soketi(scene);
    case Trial::kubernetes: return hold_kubernetes(scene);
    case Trial::reload: return hold_reload(scene);
    case Trial::capacity: break;
  }
  return hold_capacity(scene);
}

}  // namespace tidegate::prove
