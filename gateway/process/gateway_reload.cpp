// The configuration in force: how it is taken over at start and replaced by a reload.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/logger.h>

#include "gateway/process/config_diff.hpp"
#include "gateway/process/gateway.hpp"
#include "gateway/process/limits.hpp"
#include "gateway/process/open_logs.hpp"
#include "gateway/process/worker.hpp"

namespace tidegate::gateway {
namespace {

// Once every worker has done what was posted to it before: on the context's thread.
void when_all_know(boost::asio::io_context& context, const std::vector<std::unique_ptr<Worker>>& workers,
                   std::function<void()> then) {
  // The last of them lets go of it.
  const std::shared_ptr<void> told(nullptr, [&context, then = std::move(then)](void*) mutable {
    boost::asio::post(context, std::move(then));
  });
  for (const auto& worker : workers) worker->post([told] {});
}

}  // namespace

std::size_t Gateway::workers_for(const conf::Config& config) const {
  const auto wanted = static_cast<std::size_t>(config.workers > 0 ? config.workers : usable_cores());
  return std::min(wanted, most_workers);
}

LoadBasis Gateway::basis() const {
  return {ticket_keys_, error_log_.logger(), tls_, password_files_};
}

void Gateway::start(LoadedConfig loaded) {
  const auto wanted = workers_for(*config_);
  auto plan =
      sockets_.prepare(*config_, std::vector<std::optional<std::size_t>>(config_->listeners.size()), wanted);
  make_workers(wanted);
  serving_ = wanted;
  for (const auto& warning : loaded.warnings) error_log_.logger()->warn("{}", warning);
  put_in_force(std::move(loaded), std::move(plan));
  open_admin(config_->admin);
  open_commands(config_->admin);
  watch_file();
}

void Gateway::reload(Reload::Done done) {
  boost::asio::post(context_, [this, done = std::move(done)] {
    if (!source_.read) {
      if (done) done({false, "there is no file to read"});
      return;
    }
    // Whoever has the answer finds the new configuration in force.
    const auto answer = [this, done](const ReloadOutcome& outcome) {
      if (!done) return;
      if (!outcome.succeeded) return done(outcome);
      when_all_know(context_, workers_, [done, outcome] { done(outcome); });
    };
    reload_.request([source = source_, basis = basis()] { return load_config(source, basis); }, answer);
  });
}

// Everything that may fail comes first; from `put_in_force` on nothing does.
std::string Gateway::take(LoadedConfig loaded) {
  if (phase_ != Phase::serving)
    throw std::runtime_error("not while the gateway drains: `tidegate undrain` first, or restart it");
  if (upgrade_.is_under_way()) throw std::runtime_error("not while an upgrade is under way");
  const auto next = loaded.tls.config;
  const auto diff = compare(*config_, *next);
  const auto wanted = workers_for(*next);
  auto plan = sockets_.prepare(*next, diff.listeners_before, wanted);
  const bool new_access_log = !(next->access_log == config_->access_log);
  auto access_log = new_access_log ? open_access_log(*next, error_log_.logger()) : nullptr;
  make_workers(wanted);
  if (!(next->error_log == config_->error_log)) change_error_log(error_log_, *next);
  try {
    if (!(next->admin == config_->admin)) {
      open_admin(next->admin);
      open_commands(next->admin);
    }
  } catch (...) {
    error_log_.change(config_->error_log);
    open_admin(config_->admin);
    open_commands(config_->admin);
    throw;
  }
  serving_ = wanted;
  if (new_access_log) set_access_log(std::move(access_log));
  const bool watches_differ = next->watch != config_->watch;
  config_ = next;
  put_in_force(std::move(loaded), std::move(plan));
  if (watches_differ) watch_file();
  return describe(diff);
}

void Gateway::put_in_force(LoadedConfig loaded, ListeningSockets::Plan plan) {
  tls_ = std::move(loaded.tls);
  password_files_ = std::move(loaded.passwords);
  use_ticket_keys(*tls_.contexts, *ticket_keys_);
  loaded.view->listener_ids = sockets_.take(std::move(plan), *config_);
  stapler_.adopt(tls_.contexts->listeners);  // first, so that no handshake goes without what is known already
  control_.apply(std::move(loaded.view), metrics_);
  set_serving(serving_);  // after the view, which the workers know their listeners by
  tls_watch_.watch(tls_);
}

// Connections go on under what they were opened with; the next handshake takes the new certificates.
void Gateway::renew_tls(TlsBuild built) {
  tls_ = std::move(built);
  use_ticket_keys(*tls_.contexts, *ticket_keys_);
  stapler_.adopt(tls_.contexts->listeners);
  auto view = std::make_shared<WorkerView>(config_, tls_.contexts, password_files_);
  view->listener_ids = sockets_.ids();
  control_.apply(std::move(view), metrics_);
}

void Gateway::make_workers(std::size_t wanted) {
  const bool running = !workers_.empty();
  while (workers_.size() < wanted) {
    const auto index = static_cast<std::uint32_t>(workers_.size());
    if (metrics_.workers() <= index) metrics_.add_worker();
    auto worker = std::make_unique<Worker>(index, WorkerLinks{control_, metrics_.worker(index), passwords_,
                                                              access_log_, error_log_.logger(), 0, 0});
    if (running) worker->start();  // first: it may fail
    workers_.push_back(std::move(worker));
    control_.add_worker(*workers_.back());
  }
}

// Gives the first so many workers the sockets and their share of what the process may use. Surplus ones stay:
// what they have goes on until it ends, and they may be wanted again.
void Gateway::set_serving(std::size_t count) {
  serving_ = count;
  const auto share = static_cast<int>(count);
  const auto most = connections_per_worker(config_->connections_per_worker, descriptors_, share);
  const auto buffers = buffer_bytes_per_worker(config_->buffer_memory, usable_memory(), share);
  std::vector<Worker*> serving;
  for (std::size_t i = 0; i < count; ++i) {
    auto* const worker = serving.emplace_back(workers_[i].get());
    worker->post([worker, most, buffers] {
      worker->set_bounds(most, buffers);
      worker->serve_again();
    });
  }
  sockets_.spread(serving);
  for (std::size_t i = count; i < workers_.size(); ++i) {
    auto* const worker = workers_[i].get();
    worker->post([worker] { worker->stand_down(); });
  }
}

void Gateway::set_access_log(std::shared_ptr<AccessLog> log) {
  if (access_log_) access_lines_dropped_ += access_log_->dropped_lines();
  auto before = std::exchange(access_log_, std::move(log));
  for (auto& worker : workers_) {
    worker->post([this, w = worker.get(), next = access_log_, before]() mutable {
      w->set_access_log(next);
      // Whoever lets go of the old one last waits until it is written: that is no worker.
      boost::asio::post(context_, [last = std::move(before)] {});
    });
  }
}

void Gateway::watch_file() {
  config_watch_.reset();
  if (!config_->watch || source_.file.empty()) return;
  const auto changed = [this] {
    error_log_.logger()->info("{} has changed", source_.file);
    reload();
  };
  config_watch_ = std::make_unique<net::FileWatch>(
      context_, source_.file,
      net::FileWatch::Listener{changed, [this](const std::string& sentence) { note(sentence); }});
}

}  // namespace tidegate::gateway
