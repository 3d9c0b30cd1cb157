// The whole gateway as one object: what `tidegate -c FILE` runs and what integration tests start in their own
// process.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "conf/config.hpp"
#include "gateway/handover/predecessor.hpp"
#include "gateway/handover/upgrade.hpp"
#include "gateway/observe/access_log.hpp"
#include "gateway/observe/admin.hpp"
#include "gateway/observe/admin_commands.hpp"
#include "gateway/observe/failure_log.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/process/config_source.hpp"
#include "gateway/process/control.hpp"
#include "gateway/process/listening_sockets.hpp"
#include "gateway/process/password_checks.hpp"
#include "gateway/process/reload.hpp"
#include "gateway/process/service_notifier.hpp"
#include "gateway/process/stapler.hpp"
#include "gateway/process/started_with.hpp"
#include "gateway/process/tls_watch.hpp"
#include "gateway/tunnel/departures.hpp"
#include "wire/net/file_watch.hpp"

namespace tidegate::gateway {

class Gateway {
 public:
  // Opens logs and listening sockets and starts the workers. `source` is what reloads read; without one there
  // are none. `started` is what it uses in place of opening it, and whom it tells of its life. Throws
  // std::runtime_error with a sentence that names what could not be opened and what to do.
  explicit Gateway(std::shared_ptr<const conf::Config> config, ConfigSource source = {},
                   StartedWith started = {});
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Runs the control thread's part on the calling thread until the shutdown is complete. Whoever started the
  // process is told that it serves.
  void run();

  // === thread-safe ===

  // The first call begins the graceful shutdown (own /ready turns 503, accepting goes on for
  // `shutdown.delay`, what is open may end until `shutdown.deadline`); the second ends it at once.
  void shut_down();
  // Reads the configuration anew and puts in force what has changed. `done` is called on the control thread;
  // it may be null, since the outcome is logged and counted too.
  void reload(Reload::Done done = nullptr);
  // Has another process take over: `program`, or the one that this process was started as. `done` is called
  // on the control thread; it may be null.
  void upgrade(std::string program, Upgrade::Done done = nullptr);
  // Opens the log files anew by their names.
  void reopen_logs();
  // A line in the error log.
  void note(const std::string& line);

  // === control thread ===

  // Takes over from another process and starts the workers. Before `run`; for one that was started `held`.
  // The predecessor must outlive this object. Throws HandoverFault; then the other one goes on.
  void take_over(Predecessor& predecessor);
  // As for a shutdown, but without an end: own /ready turns 503, accepting goes on for `shutdown.delay`, then
  // what is open may end. False if that is so already.
  bool begin_drain();
  // Serves again. Throws std::runtime_error if it cannot: it is shutting down, or an address is taken.
  void cancel_drain();
  // Requests in progress and open tunnels.
  struct InProgress {
    std::int64_t requests = 0;
    std::int64_t tunnels = 0;
  };
  [[nodiscard]] InProgress in_progress() const;

  // The port of a listener by its index in the configuration (also when 0 was asked for); 0 for a Unix
  // socket. Not while a reload is under way.
  [[nodiscard]] std::uint16_t port(std::size_t listener) const { return sockets_.port(listener); }
  [[nodiscard]] std::uint16_t admin_port() const { return admin_ ? admin_->port() : 0; }
  // For tests and the admin listener.
  [[nodiscard]] Control& control() { return control_; }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  // To post to and to look at; a reload may add to the list, nothing is ever taken off it. The first
  // `workers_serving` serve, the others are surplus.
  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }
  [[nodiscard]] std::size_t workers_serving() const { return serving_; }

 private:
  enum class Phase : std::uint8_t { serving, delaying, draining, ending };

  // --- start and shutdown (gateway.cpp) ---
  void begin_shutdown();
  void stop_accepting();
  void await_end();
  void end_all();
  void worker_empty(std::uint32_t worker);
  void begin_departure();
  void leave_tunnels(Departures::Movable movable);
  [[nodiscard]] bool ready(std::string& why) const;
  [[nodiscard]] std::string metrics_page() const;

  // --- the configuration in force (gateway_reload.cpp) ---
  [[nodiscard]] LoadBasis basis() const;
  void start(LoadedConfig loaded);
  std::string take(LoadedConfig loaded);
  void put_in_force(LoadedConfig loaded, ListeningSockets::Plan plan);
  void renew_tls(TlsBuild built);
  void make_workers(std::size_t wanted);
  void set_serving(std::size_t serving);
  void set_access_log(std::shared_ptr<AccessLog> log);
  [[nodiscard]] std::size_t workers_for(const conf::Config& config) const;
  void watch_file();

  // --- upgrades (gateway_upgrade.cpp) ---
  [[nodiscard]] std::string upgrade_refusal() const;
  [[nodiscard]] UpgradeOrder upgrade_order(SuccessorProgram program);
  void give_way(pid_t successor);
  void restore(const Inventory& inventory);
  void inherit_endpoints(const Inventory& inventory, upstream::TimePoint now);
  [[nodiscard]] Predecessor::Heir heir();
  [[nodiscard]] TakenTunnels find_places(const TunnelBatch& batch, std::vector<net::UniqueFd> sockets);
  [[nodiscard]] std::shared_ptr<MovedTunnel> find_place(const TunnelParcel& parcel);
  void commit_places();
  void count_elsewhere(const std::vector<RemainingPlaces>& left);
  void start_workers();
  void own_inherited();

  // --- admin (gateway_admin.cpp) ---
  void open_admin(const conf::Admin& admin);
  void open_commands(const conf::Admin& admin);
  [[nodiscard]] AdminSource pages();
  [[nodiscard]] AdminCommands commands();
  [[nodiscard]] AdminReply order_endpoint(const EndpointOrder& order);
  void order_upgrade(std::string program, AdminReplyTo reply);
  [[nodiscard]] AdminReply order_drain();
  [[nodiscard]] AdminReply order_undrain();
  [[nodiscard]] std::string drain_state() const;
  [[nodiscard]] AdminReply status_reply(bool json);
  void tell_of_reloads();
  [[nodiscard]] std::string status() const;

  std::shared_ptr<const conf::Config> config_;
  const ConfigSource source_;
  const std::uint64_t descriptors_;
  boost::asio::io_context context_{1};
  ErrorLog error_log_;
  std::shared_ptr<AccessLog> access_log_;
  std::uint64_t access_lines_dropped_ = 0;  // of the logs before it
  Metrics metrics_;
  std::shared_ptr<net::TicketKeys> ticket_keys_;  // outlive every configuration
  TlsBuild tls_;
  PasswordFilesByPath password_files_;
  PasswordChecks passwords_;
  Control control_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t serving_ = 0;
  ListeningSockets sockets_;
  std::unique_ptr<Admin> admin_;
  conf::Address admin_address_;            // of `admin_`
  std::shared_ptr<Admin> command_socket_;  // orders that came over it keep it until they are answered
  std::string command_path_;               // of `command_socket_`
  Stapler stapler_;
  TlsWatch tls_watch_;
  Reload reload_;
  std::unique_ptr<net::FileWatch> config_watch_;  // null: not watched
  boost::asio::steady_timer shutdown_timer_;
  Phase phase_ = Phase::serving;
  bool shutting_down_ = false;  // no way back
  const SuccessorProgram self_;
  const bool held_;
  InheritedAdmin inherited_admin_;
  InheritedAdmin inherited_commands_;
  Upgrade upgrade_{context_};
  boost::asio::steady_timer parting_timer_;
  bool parting_ = false;  // another process has taken over, and those who asked for it are being told
  Predecessor* predecessor_ = nullptr;                  // is followed
  std::vector<std::shared_ptr<MovedTunnel>> arriving_;  // have a place here once that is committed
  std::size_t next_arrival_ = 0;
  std::size_t taken_over_ = 0;
  std::vector<upstream::EndpointPtr> elsewhere_;  // where another process has places
  std::set<std::uint32_t> empty_workers_;
  std::string reload_fault_;  // of the last reload; empty: it succeeded
  ServiceNotifier service_;
};

}  // namespace tidegate::gateway
