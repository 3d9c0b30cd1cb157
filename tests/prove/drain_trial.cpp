// Trial::drain: a rollout as a careful operator makes it. Each pod in turn is drained by the gateway's order,
// restarted when it is empty and put back, while every client talks.
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/prove/company.hpp"
#include "tests/prove/fetch.hpp"
#include "tests/prove/trials.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds tick{50};
constexpr milliseconds patience{20'000};
// For everybody to talk at the new place before the next pod's turn.
constexpr milliseconds settling{500};

std::string address_of(const Scene& scene, std::size_t pod) {
  return "127.0.0.1:" + std::to_string(scene.pods.address(pod).port());
}

// `tidegate endpoint drain 127.0.0.1:6001`.
std::vector<std::string> words(const Scene& scene, const char* order, std::size_t pod) {
  return {"endpoint", order, address_of(scene, pod)};
}

asio::awaitable<void> wait_ready(Scene& scene, std::size_t pod) {
  const auto end = Clock::now() + patience;
  std::string state;
  while (Clock::now() < end) {
    state = co_await scene.hop.state_of(address_of(scene, pod));
    if (state == "ready") co_return;
    co_await pause(tick);
  }
  throw std::runtime_error("the gateway does not take pod-" + std::to_string(pod) + " for ready but for '" +
                           state + "'");
}

// Its sockets are all closed, by its own count and its clients'.
asio::awaitable<PodCounts> empty(Scene& scene, Company& company, PodDrain& drain) {
  const milliseconds window = scene.options.window;
  const auto left = [&company, pod = drain.pod] { return company.record.pods[pod].open; };
  const bool emptied = co_await company.wait_until(3 * window + patience, [&] { return left() == 0; });
  if (emptied) drain.emptied = std::chrono::duration_cast<milliseconds>(Clock::now() - drain.ordered);
  PodCounts counts;
  const auto end = Clock::now() + patience;
  do {
    counts = co_await scene.pods.count(drain.pod);
    if (counts.sockets > 0) co_await pause(tick);
  } while (counts.sockets > 0 && Clock::now() < end);
  co_return counts;
}

// How many sockets were drained.
asio::awaitable<std::uint64_t> roll(Scene& scene, Company& company, std::size_t pod) {
  auto& record = company.record;
  const auto everybody = [&] { return company.is_complete(); };
  co_await wait_ready(scene, pod);
  co_await company.wait_until(patience, everybody);
  co_await company.wait_until(settling, [] { return false; });

  PodDrain drain;
  drain.pod = pod;
  drain.sockets = record.pods[pod].open;
  const auto greetings = record.pods[pod].greetings;
  co_await scene.hop.order(words(scene, "drain", pod));
  drain.ordered = Clock::now();
  scene.progress.event("pod-" + std::to_string(pod) + " drains, " + std::to_string(drain.sockets) +
                       " sockets");
  const auto counts = co_await empty(scene, company, drain);
  co_await company.wait_until(patience, everybody);
  drain.newcomers = record.pods[pod].greetings - greetings;
  drain.back = record.open() - record.pods[pod].open;

  auto& checks = scene.result.checks;
  const auto judged = judge(record, drain, scene.options.window, company.size(), scene.options.timed);
  checks.insert(checks.end(), judged.begin(), judged.end());
  checks.push_back(judge_messages(pod, record.pods[pod], counts));
  co_await scene.pods.renew(pod);
  record.pods[pod] = {};
  co_await scene.hop.order(words(scene, "undrain", pod));
  co_return drain.sockets;
}

}  // namespace

asio::awaitable<void> hold_drain(Scene& scene) {
  auto load = make_load(scene);
  Company company(scene, load, static_cast<unsigned>(scene.options.clients));
  scene.progress.begin(load.began);
  company.start();
  std::uint64_t drained = 0;
  for (std::size_t pod = 0; pod < scene.pods.size(); ++pod) {
    const auto sockets = co_await roll(scene, company, pod);
    drained += sockets;
  }
  for (std::size_t pod = 0; pod < scene.pods.size(); ++pod) co_await wait_ready(scene, pod);
  scene.result.restarts = scene.pods.size();
  scene.progress.event("closing");
  co_await company.end();
  for (std::size_t pod = 0; pod < scene.pods.size(); ++pod) {
    const auto counts = co_await scene.pods.count(pod);
    // The last one is empty: everybody is where he was sent.
    if (counts.handshakes > 0)
      scene.result.checks.push_back(judge_messages(pod, company.record.pods[pod], counts));
  }
  scene.result.checks.push_back(judge_closings(company.record, drained));
  scene.result.tally = std::move(load.tally);
}

}  // namespace tidegate::prove
