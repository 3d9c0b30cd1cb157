#include "tests/prove/pods.hpp"

#include <csignal>
#include <stdexcept>
#include <utility>

#include <boost/json.hpp>

#include "tests/prove/fetch.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds start_patience{15'000};
constexpr milliseconds kill_patience{10'000};
// Beyond the grace period: sockets that do not answer a Close keep a pod for five seconds.
constexpr milliseconds leave_patience{10'000};

std::string name(std::size_t pod) {
  return "pod-" + std::to_string(pod);
}

std::string plain(milliseconds time) {
  return std::to_string(time.count());
}

std::uint64_t number(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? 0 : value->to_number<std::uint64_t>();
}

}  // namespace

Pods::Pods(asio::io_context& context, Settings settings, Journal journal)
    : context_(context), settings_(std::move(settings)), journal_(std::move(journal)) {
  processes_.resize(settings_.ports.size());
}

asio::ip::tcp::endpoint Pods::address(std::size_t pod) const {
  return {asio::ip::address_v4::loopback(), settings_.ports[pod]};
}

void Pods::launch(std::size_t pod, Beginning beginning) {
  std::vector<std::string> command{settings_.program,
                                   "--listen",
                                   "127.0.0.1:" + std::to_string(settings_.ports[pod]),
                                   "--name",
                                   name(pod),
                                   "--grace",
                                   plain(settings_.rollout.grace)};
  if (beginning == Beginning::delayed) {
    for (const auto& word : {std::string("--start-refuse"), plain(settings_.rollout.start_refuse),
                             std::string("--start-unready"), plain(settings_.rollout.start_unready)}) {
      command.push_back(word);
    }
  }
  processes_[pod] =
      std::make_unique<Process>(context_, command, settings_.log_directory + "/" + name(pod) + ".log");
}

asio::awaitable<void> Pods::wait_ready(std::size_t pod) const {
  // A named result: GCC 12 destroys the awaited frame twice where `co_await` is a condition and a throw
  // follows.
  const bool ready = co_await wait_until_ok(address(pod), "/ready", start_patience);
  if (ready) co_return;
  throw std::runtime_error(name(pod) + " does not turn ready; its log is " + settings_.log_directory + "/" +
                           name(pod) + ".log (--keep-logs DIR keeps it)");
}

asio::awaitable<void> Pods::start() {
  for (std::size_t i = 0; i < processes_.size(); ++i) launch(i, Beginning::at_once);
  for (std::size_t i = 0; i < processes_.size(); ++i) co_await wait_ready(i);
}

asio::awaitable<void> Pods::roll(Clock::time_point began) {
  for (const auto& step : settings_.rollout.steps) {
    const auto wait = std::chrono::duration_cast<milliseconds>(began + step.at - Clock::now());
    if (wait.count() > 0) co_await pause(wait);
    if (step.kind == Step::Kind::all_down) {
      co_await take_all_down();
    } else {
      co_await restart(step);
    }
  }
}

asio::awaitable<void> Pods::kill(std::size_t pod) {
  processes_[pod]->send(SIGKILL);
  co_await processes_[pod]->wait(kill_patience);
}

asio::awaitable<void> Pods::restart(Step step) {
  if (step.kind == Step::Kind::kill) {
    journal_(name(step.pod) + " SIGKILL");
    co_await kill(step.pod);
  } else {
    journal_(name(step.pod) + " SIGTERM");
    settings_.told(step.pod, PodPhase::terminating);
    const auto ended = co_await processes_[step.pod]->end(settings_.rollout.grace + leave_patience);
    if (ended.signal != 0) journal_(name(step.pod) + " did not leave by itself and was killed");
  }
  settings_.told(step.pod, PodPhase::gone);
  launch(step.pod, Beginning::delayed);
  settings_.told(step.pod, PodPhase::starting);
  // As a rolling update does: the next pod goes only when this one is ready.
  co_await wait_ready(step.pod);
  settings_.told(step.pod, PodPhase::ready);
  journal_(name(step.pod) + " ready again");
}

asio::awaitable<void> Pods::take_all_down() {
  journal_("all pods SIGKILL");
  for (auto& process : processes_) process->send(SIGKILL);
  const auto down_ends = Clock::now() + down_time;
  for (std::size_t i = 0; i < processes_.size(); ++i) co_await kill(i);
  co_await pause(std::chrono::duration_cast<milliseconds>(down_ends - Clock::now()));
  for (std::size_t i = 0; i < processes_.size(); ++i) launch(i, Beginning::at_once);
  for (std::size_t i = 0; i < processes_.size(); ++i) co_await wait_ready(i);
  journal_("all pods ready again");
}

asio::awaitable<void> Pods::turn_unready(milliseconds time) {
  journal_("all pods unready for " + plain(time) + " ms");
  const auto target = "/control/ready?status=503&for=" + plain(time);
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    const auto answer = co_await fetch(address(i), "POST", target, std::chrono::seconds(5));
    if (!answer || answer->status != 200) throw std::runtime_error(name(i) + " does not take orders");
  }
}

asio::awaitable<void> Pods::renew(std::size_t pod) {
  return restart({Step::Kind::graceful, pod, milliseconds(0)});
}

asio::awaitable<PodCounts> Pods::count(std::size_t pod) const {
  const auto answer = co_await fetch(address(pod), "GET", "/stats", std::chrono::seconds(5));
  if (!answer || answer->status != 200) co_return PodCounts{};
  const auto value = boost::json::parse(answer->body);
  const auto& object = value.as_object();
  co_return PodCounts{number(object, "sockets"), number(object, "peak"), number(object, "handshakes"),
                      number(object, "handshakesUnready"), number(object, "messages")};
}

asio::awaitable<std::vector<PodCounts>> Pods::counts() const {
  std::vector<PodCounts> all(processes_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = co_await count(i);
  co_return all;
}

asio::awaitable<void> Pods::end() {
  for (std::size_t i = 0; i < processes_.size(); ++i) co_await kill(i);
}

}  // namespace tidegate::prove
