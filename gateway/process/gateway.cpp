#include "gateway/process/gateway.hpp"

#include <map>
#include <stdexcept>
#include <system_error>

#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include "gateway/observe/endpoints_json.hpp"
#include "gateway/observe/metrics_text.hpp"
#include "gateway/process/limits.hpp"
#include "gateway/process/password_faults.hpp"
#include "gateway/process/surroundings.hpp"
#include "gateway/process/version.hpp"
#include "gateway/process/worker.hpp"
#include "upstream/connector.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::chrono::hours kTicketPeriod{12};
constexpr std::chrono::seconds kLastWords{2};  // for Close frames to leave after the deadline

std::string advice(int error, const conf::Address& address) {
  if (error == EADDRINUSE) return "; another process listens there: end it or choose another address";
  if (error == EACCES && !address.is_unix()) {
    return "; ports below 1024 need CAP_NET_BIND_SERVICE (setcap cap_net_bind_service+ep, or the systemd "
           "unit)";
  }
  if (error == EACCES) return "; the directory of the socket is not writable for this user";
  if (error == EADDRNOTAVAIL) return "; no interface of this machine has that address";
  return "";
}

std::string listening_fault(const conf::Config& config, std::size_t index, const std::string& why) {
  const auto key = listener_key(config, index);
  const auto address = config.listeners[index].address.text();
  return conf::ConfigError{key.place, key.path, "cannot listen on " + address + ": " + why}.text();
}

net::UniqueFd open_or_throw(const conf::Config& config, std::size_t index, const net::SocketAddress& at,
                            net::PortSharing sharing, const net::ConnectionOptions& options) {
  const auto& listener = config.listeners[index];
  auto socket = net::open_listener(at, listener.backlog, sharing, options);
  if (socket) return std::move(*socket);
  throw std::runtime_error(listening_fault(
      config, index, socket.error().message() + advice(socket.error().value(), listener.address)));
}

// What `open` makes; a failure names the key of the file.
template <class Open>
auto open_log(const conf::Config& config, const std::string& key, Open open) {
  try {
    return open();
  } catch (const std::system_error& error) {
    const auto path = config.is_written(key + ".path") ? key + ".path" : key;
    throw std::runtime_error(conf::ConfigError{config.place_of(path), path, error.what()}.text());
  }
}

ErrorLog open_error_log(const conf::Config& config) {
  return open_log(config, "log.error", [&config] { return ErrorLog(config.error_log); });
}

std::shared_ptr<AccessLog> open_access_log(const conf::Config& config,
                                           const std::shared_ptr<spdlog::logger>& errors) {
  if (!config.access_log.enabled) return nullptr;
  return open_log(config, "log.access",
                  [&] { return std::make_shared<AccessLog>(config.access_log, errors); });
}

void throw_if_any(const conf::ConfigErrors& faults) {
  if (faults.empty()) return;
  std::string all;
  for (const auto& fault : faults) all += (all.empty() ? "" : "\n") + fault.text();
  throw std::runtime_error(all);
}

// Before anything is opened: what is missing is said with its place, and all of it.
std::shared_ptr<const conf::Config> startable(std::shared_ptr<const conf::Config> config) {
  throw_if_any(look_around(*config).lacking);
  return config;
}

std::shared_ptr<const TlsContexts> tls_or_throw(const conf::Config& config,
                                                const std::shared_ptr<net::TicketKeys>& keys,
                                                spdlog::logger& log) {
  const auto now = std::chrono::system_clock::now();
  conf::ConfigErrors faults;
  auto contexts = std::make_shared<const TlsContexts>(make_tls_contexts(config, keys, now, faults));
  (void)check_password_files(config, faults);  // its warnings come when the files are taken up
  throw_if_any(faults);
  for (const auto& warning : tls_warnings(config, *contexts, now)) log.warn("{}", warning);
  for (const auto& warning : look_around(config).doubtful) log.warn("{}", warning.text());
  return contexts;
}

StaplerOptions stapler_options(const conf::Config& config) {
  StaplerOptions options;
  options.folder = config.state_directory;
  return options;
}

int worker_count(const conf::Config& config) {
  return config.workers > 0 ? config.workers : usable_cores();
}

}  // namespace

Gateway::Gateway(std::shared_ptr<const conf::Config> config)
    : config_(startable(std::move(config))),
      worker_count_(worker_count(*config_)),
      error_log_(open_error_log(*config_)),
      access_log_(open_access_log(*config_, error_log_.logger())),
      metrics_(static_cast<std::size_t>(worker_count_)),
      ticket_keys_(std::make_shared<net::TicketKeys>(kTicketPeriod)),
      passwords_(error_log_.logger()),
      control_(context_, error_log_.logger()),
      stapler_(context_, error_log_.logger(), stapler_options(*config_)),
      shutdown_timer_(context_) {
  const auto descriptors = raise_descriptor_limit();
  const auto most = connections_per_worker(config_->connections_per_worker, descriptors, worker_count_);
  const auto buffers = buffer_bytes_per_worker(config_->buffer_memory, usable_memory(), worker_count_);
  std::vector<Worker*> workers;
  for (int i = 0; i < worker_count_; ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    workers_.push_back(
        std::make_unique<Worker>(index, WorkerLinks{control_, metrics_.worker(index), passwords_, access_log_,
                                                    error_log_.logger(), most, buffers}));
    workers.push_back(workers_.back().get());
  }
  control_.set_workers(std::move(workers));
  control_.on_worker_empty = [this] {
    if (++empty_workers_ == workers_.size()) context_.stop();
  };
  tls_ = tls_or_throw(*config_, ticket_keys_, *error_log_.logger());
  control_.apply(config_, tls_, metrics_);
  open_listeners();
  stapler_.adopt(tls_->listeners);
  start_admin();
  tls_watch_ = std::make_unique<TlsWatch>(context_, config_, ticket_keys_, error_log_.logger(),
                                          [this](auto tls) { renew_tls(std::move(tls)); });
  for (auto& worker : workers_) worker->start();
  error_log_.logger()->info("tidegate {} serves with {} workers, {} descriptors", version(), worker_count_,
                            descriptors);
}

Gateway::~Gateway() {
  tls_watch_.reset();
  admin_.reset();
  passwords_.stop();  // it reports to the workers
  workers_.clear();
  control_.set_workers({});
  for (const auto& file : socket_files_) ::unlink(file.c_str());
}

// Connections go on under what they were opened with; the next handshake takes the new certificates.
void Gateway::renew_tls(std::shared_ptr<const TlsContexts> tls) {
  tls_ = std::move(tls);
  stapler_.adopt(tls_->listeners);  // first, so that no handshake goes without what is known already
  control_.apply(config_, tls_, metrics_);
}

void Gateway::open_listeners() {
  for (std::uint32_t i = 0; i < config_->listeners.size(); ++i) {
    const auto& listener = config_->listeners[i];
    const auto address = upstream::socket_address(listener.address);
    if (!address) throw std::runtime_error(listening_fault(*config_, i, "not a usable address"));
    if (listener.optional_family && !net::family_available(address->family())) {
      ports_.push_back(0);
      continue;
    }
    const auto options = upstream::connection_options(listener, config_->upstreams);
    auto first = open_or_throw(*config_, i, *address, net::PortSharing::exclusive, options);
    const auto bound = net::SocketAddress::local_of(first.get());
    ports_.push_back(bound.port());
    if (listener.address.is_unix() && !listener.address.path.starts_with('@')) {
      socket_files_.push_back(listener.address.path);
    }
    for (std::size_t w = 1; w < workers_.size(); ++w) {
      auto socket = listener.address.is_unix()
                        ? net::UniqueFd(::fcntl(first.get(), F_DUPFD_CLOEXEC, 0))
                        : open_or_throw(*config_, i, bound, net::PortSharing::shared, options);
      auto* const worker = workers_[w].get();
      worker->post([worker, i, fd = socket.release()] { worker->listen(i, net::UniqueFd(fd)); });
    }
    auto* const worker = workers_.front().get();
    worker->post([worker, i, fd = first.release()] { worker->listen(i, net::UniqueFd(fd)); });
  }
}

void Gateway::start_admin() {
  if (!config_->admin.enabled) return;
  AdminSource source;
  source.ready = [this](std::string& why) { return ready(why); };
  source.metrics = [this] { return metrics_page(); };
  source.endpoints = [this] { return endpoints_json(control_.registry().report()); };
  admin_ = std::make_unique<Admin>(context_, config_->admin.address, std::move(source));
}

bool Gateway::ready(std::string& why) const {
  if (phase_ != Phase::serving) {
    why = "shutting down";
    return false;
  }
  if (control_.warmed_up()) return true;
  why = "waiting for the first probe of the endpoints";
  return false;
}

std::string Gateway::metrics_page() const {
  std::string why;
  const auto endpoints = control_.registry().report();
  MetricsInput input{metrics_,   endpoints, read_process_facts(), 0, error_log_.dropped_lines(),
                     ready(why), version()};
  input.limits = control_.limit_reports();
  std::map<std::string, std::int64_t> expiries;  // several listeners may have the same one
  for (const auto& server : tls_->listeners) {
    if (!server) continue;
    for (const auto& certificate : server->certificates())
      expiries[certificate.files.certificate] = std::chrono::system_clock::to_time_t(certificate.expires());
  }
  for (const auto& [file, expires] : expiries) input.certificates.push_back({file, expires});
  input.staples = stapler_.report();
  if (access_log_) input.access_lines_dropped = access_log_->dropped_lines();
  return metrics_text(input);
}

// What one event of the control thread could not do must not take the connections of all with it: the state
// before it stays, and the events after it come.
void Gateway::run() {
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

void Gateway::begin_shutdown() {
  if (phase_ != Phase::serving) {
    error_log_.logger()->warn("second signal: ending at once");
    return end_all();
  }
  phase_ = Phase::delaying;
  error_log_.logger()->info("shutting down: accepting for {} ms more, open connections may end within {} ms",
                            config_->shutdown.delay.count(), config_->shutdown.deadline.count());
  shutdown_timer_.expires_after(config_->shutdown.delay);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && phase_ == Phase::delaying) stop_accepting();
  });
}

void Gateway::stop_accepting() {
  phase_ = Phase::draining;
  // The last ones still have a little time for their goodbyes.
  const auto window = std::min(config_->shutdown.window, config_->shutdown.deadline * 9 / 10);
  for (auto& worker : workers_) {
    worker->post([w = worker.get(), window] {
      w->stop_accepting();
      w->leave_all(window);
    });
  }
  shutdown_timer_.expires_after(config_->shutdown.deadline);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && phase_ == Phase::draining) end_all();
  });
}

void Gateway::end_all() {
  if (phase_ == Phase::ending) return context_.stop();
  phase_ = Phase::ending;
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

}  // namespace tidegate::gateway
