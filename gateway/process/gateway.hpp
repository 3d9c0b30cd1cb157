// The whole gateway as one object: what `tidegate -c FILE` runs and what integration tests start in their own
// process.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "conf/config.hpp"
#include "gateway/observe/access_log.hpp"
#include "gateway/observe/admin.hpp"
#include "gateway/observe/failure_log.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/process/control.hpp"
#include "gateway/process/password_checks.hpp"
#include "gateway/process/stapler.hpp"
#include "gateway/process/tls_watch.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

class Gateway {
 public:
  // Opens logs and listening sockets and starts the workers. Throws std::runtime_error with a sentence that
  // names what could not be opened and what to do.
  explicit Gateway(std::shared_ptr<const conf::Config> config);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Runs the control thread's part on the calling thread until the shutdown is complete.
  void run();

  // Thread-safe. The first call begins the graceful shutdown (own /ready turns 503, accepting goes on for
  // `shutdown.delay`, what is open may end until `shutdown.deadline`); the second ends it at once.
  void shut_down();
  // Thread-safe: opens the log files anew by their names.
  void reopen_logs();
  // A line in the error log. Any thread.
  void note(const std::string& line);

  // The port of a listener by its index in the configuration (also when 0 was asked for); 0 for a Unix
  // socket.
  [[nodiscard]] std::uint16_t port(std::size_t listener) const { return ports_[listener]; }
  [[nodiscard]] std::uint16_t admin_port() const { return admin_ ? admin_->port() : 0; }
  // For tests and the admin listener; control thread only.
  [[nodiscard]] Control& control() { return control_; }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  // To post to and to look at; the list is constant.
  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }

 private:
  enum class Phase : std::uint8_t { serving, delaying, draining, ending };

  void open_listeners();
  void renew_tls(std::shared_ptr<const TlsContexts> tls);
  void start_admin();
  void begin_shutdown();
  void stop_accepting();
  void end_all();
  [[nodiscard]] bool ready(std::string& why) const;
  [[nodiscard]] std::string metrics_page() const;

  std::shared_ptr<const conf::Config> config_;
  const int worker_count_;
  boost::asio::io_context context_{1};
  ErrorLog error_log_;
  std::shared_ptr<AccessLog> access_log_;
  Metrics metrics_;
  std::shared_ptr<net::TicketKeys> ticket_keys_;  // outlive every configuration
  std::shared_ptr<const TlsContexts> tls_;
  PasswordChecks passwords_;
  Control control_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Admin> admin_;
  Stapler stapler_;
  std::unique_ptr<TlsWatch> tls_watch_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::string> socket_files_;  // Unix listeners, removed at the end
  boost::asio::steady_timer shutdown_timer_;
  Phase phase_ = Phase::serving;
  std::size_t empty_workers_ = 0;
};

}  // namespace tidegate::gateway
