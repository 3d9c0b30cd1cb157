#include "gateway/process/gateway.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include <boost/asio/post.hpp>
#include <spdlog/logger.h>

#include "gateway/observe/metrics_text.hpp"
#include "gateway/process/config_diff.hpp"
#include "gateway/process/limits.hpp"
#include "gateway/process/open_logs.hpp"
#include "gateway/process/surroundings.hpp"
#include "gateway/process/version.hpp"
#include "gateway/process/worker.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::chrono::hours kTicketPeriod{12};
constexpr std::chrono::seconds kLastWords{2};  // for Close frames to leave after the deadline

void throw_if_any(const std::vector<std::string>& faults) {
  if (faults.empty()) return;
  std::string all;
  for (const auto& fault : faults) all += (all.empty() ? "" : "\n") + fault;
  throw std::runtime_error(all);
}

// Before anything is opened: what is missing is said with its place, and all of it.
std::shared_ptr<const conf::Config> startable(std::shared_ptr<const conf::Config> config) {
  std::vector<std::string> faults;
  for (const auto& fault : look_around(*config).lacking) faults.push_back(fault.text());
  throw_if_any(faults);
  return config;
}

LoadedConfig loaded_or_throw(const std::shared_ptr<const conf::Config>& config, const LoadBasis& basis) {
  auto result = load_config(config, basis);
  if (const auto* faults = std::get_if<LoadFaults>(&result)) throw_if_any(*faults);
  return std::move(std::get<LoadedConfig>(result));
}

StaplerOptions stapler_options(const conf::Config& config) {
  StaplerOptions options;
  options.folder = config.state_directory;
  return options;
}

}  // namespace

Gateway::Gateway(std::shared_ptr<const conf::Config> config, ConfigSource source, StartedWith started)
    : config_(startable(std::move(config))),
      source_(std::move(source)),
      descriptors_(raise_descriptor_limit()),
      error_log_(open_error_log(*config_)),
      access_log_(open_access_log(*config_, error_log_.logger())),
      metrics_(0),
      ticket_keys_(std::make_shared<net::TicketKeys>(kTicketPeriod)),
      passwords_(error_log_.logger()),
      control_(context_, error_log_.logger()),
      sockets_(std::move(started.sockets), started.held),
      stapler_(context_, error_log_.logger(), stapler_options(*config_)),
      tls_watch_(context_, ticket_keys_, error_log_.logger(),
                 [this](TlsBuild built) { renew_tls(std::move(built)); }),
      reload_(context_, error_log_.logger(), [this](LoadedConfig loaded) { return take(std::move(loaded)); }),
      shutdown_timer_(context_),
      self_(std::move(started.self)),
      held_(started.held),
      inherited_admin_(std::move(started.admin)),
      inherited_commands_(std::move(started.commands)),
      parting_timer_(context_),
      service_(context_, started.notify, error_log_.logger(), [this] { return status(); }) {
  for (const auto& warning : started.warnings) note(warning);
  control_.on_worker_empty = [this](std::uint32_t worker) { worker_empty(worker); };
  tell_of_reloads();
  start(loaded_or_throw(config_, basis()));
  for (const auto& address : sockets_.close_unclaimed())
    note("a socket was handed over for " + address + ", where no listener is: this process closes it");
  if (!held_) start_workers();
}

void Gateway::start_workers() {
  for (auto& worker : workers_) worker->start();
  error_log_.logger()->info("tidegate {} serves with {} workers, {} descriptors", version(), serving_,
                            descriptors_);
}

Gateway::~Gateway() {
  if (predecessor_ != nullptr) predecessor_->unfollow();
  upgrade_.stop();  // it freezes what the workers have
  config_watch_.reset();
  command_socket_.reset();
  admin_.reset();
  sockets_.close();
  passwords_.stop();  // it reports to the workers
  control_.forget_workers();
  workers_.clear();
}

bool Gateway::ready(std::string& why) const {
  if (phase_ != Phase::serving) {
    why = shutting_down_ ? "shutting down" : "draining";
    return false;
  }
  if (control_.warmed_up()) return true;
  why = "waiting for the first word of the sources of endpoints, and for the first probe of these";
  return false;
}

std::string Gateway::metrics_page() const {
  std::string why;
  const auto endpoints = control_.registry().report();
  MetricsInput input{metrics_,   endpoints, read_process_facts(), 0, error_log_.dropped_lines(),
                     ready(why), version()};
  input.limits = control_.limit_reports();
  std::map<std::string, std::int64_t> expiries;  // several listeners may have the same one
  for (const auto& server : tls_.contexts->listeners) {
    if (!server) continue;
    for (const auto& certificate : server->certificates())
      expiries[certificate.files.certificate] = std::chrono::system_clock::to_time_t(certificate.expires());
  }
  for (const auto& [file, expires] : expiries) input.certificates.push_back({file, expires});
  input.staples = stapler_.report();
  input.sources = control_.discovery().report(upstream::Clock::now());
  input.access_lines_dropped = access_lines_dropped_ + (access_log_ ? access_log_->dropped_lines() : 0);
  input.reloads = reload_.report();
  input.workers_serving = serving_;
  return metrics_text(input);
}

Gateway::InProgress Gateway::in_progress() const {
  InProgress counts;
  for (std::size_t i = 0; i < metrics_.workers(); ++i)
    counts.requests += metrics_.worker(i).connections_active.value();
  for (const auto& series : metrics_.upstreams()) {
    for (std::size_t i = 0; i < series->workers(); ++i) counts.tunnels += series->worker(i).tunnels.value();
  }
  return counts;
}

// What one event of the control thread could not do must not take the connections of all with it: the state
// before it stays, and the events after it come.
void Gateway::run() {
  service_.ready();
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {
      error_log_.logger()->critical("control thread: {}; what was in effect before stays", error.what());
    }
  }
}

void Gateway::shut_down() {
  boost::asio::post(context_, [this] { begin_shutdown(); });
}

void Gateway::reopen_logs() {
  boost::asio::post(context_, [this] {
    if (access_log_) access_log_->reopen();
    error_log_.reopen();
  });
}

void Gateway::note(const std::string& line) {
  error_log_.logger()->warn("{}", line);
}

// === the end, and what is like it ===

bool Gateway::begin_drain() {
  if (phase_ != Phase::serving) return false;
  upgrade_.cancel();
  phase_ = Phase::delaying;
  shutdown_timer_.expires_after(config_->shutdown.delay);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && phase_ == Phase::delaying) stop_accepting();
  });
  return true;
}

void Gateway::cancel_drain() {
  if (shutting_down_) throw std::runtime_error("it is shutting down, which cannot be undone");
  if (phase_ == Phase::draining) {
    auto plan = sockets_.prepare(*config_, compare(*config_, *config_).listeners_before, serving_);
    (void)sockets_.take(std::move(plan), *config_);
    for (auto& worker : workers_) worker->post([w = worker.get()] { w->stay_all(); });
    set_serving(serving_);
  }
  shutdown_timer_.cancel();
  phase_ = Phase::serving;
}

void Gateway::begin_shutdown() {
  if (shutting_down_) {
    error_log_.logger()->warn("second signal: ending at once");
    return end_all();
  }
  shutting_down_ = true;
  error_log_.logger()->info("shutting down: accepting for {} ms more, open connections may end within {} ms",
                            config_->shutdown.delay.count(), config_->shutdown.deadline.count());
  (void)begin_drain();  // one that has begun goes on
  service_.stopping();
  if (phase_ == Phase::draining) await_end();
}

void Gateway::stop_accepting() {
  phase_ = Phase::draining;
  sockets_.close();  // first, so that each worker's copy is the last one and what waits is served
  empty_workers_.clear();
  for (auto& worker : workers_) worker->post([w = worker.get()] { w->stop_accepting(); });
  begin_departure();
  if (shutting_down_) await_end();
}

// What is left when the deadline comes is ended.
void Gateway::await_end() {
  if (empty_workers_.size() == workers_.size()) return context_.stop();
  shutdown_timer_.expires_after(config_->shutdown.deadline);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && phase_ == Phase::draining) end_all();
  });
}

void Gateway::worker_empty(std::uint32_t worker) {
  if (phase_ != Phase::draining && phase_ != Phase::ending) return;
  empty_workers_.insert(worker);
  if (shutting_down_ && !parting_ && empty_workers_.size() == workers_.size()) context_.stop();
}

void Gateway::end_all() {
  if (phase_ == Phase::ending) return context_.stop();
  phase_ = Phase::ending;
  sockets_.close();
  for (auto& worker : workers_) {
    worker->post([w = worker.get()] {
      w->stop_accepting();
      w->end_all();
    });
  }
  shutdown_timer_.expires_after(kLastWords);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) context_.stop();
  });
}

// The one place where a drain of the whole gateway turns to its tunnels.
void Gateway::begin_departure() {
  leave_tunnels(Departures::Movable::leave);
}

void Gateway::leave_tunnels(Departures::Movable movable) {
  // The last ones still have a little time for their goodbyes.
  const auto window = std::min(config_->shutdown.window, config_->shutdown.deadline * 9 / 10);
  for (auto& worker : workers_)
    worker->post([w = worker.get(), window, movable] { w->leave_all(window, movable); });
}

}  // namespace tidegate::gateway
