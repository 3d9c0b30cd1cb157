// One worker: a thread with its own event loop, listeners, connections, pools and tunnels. Nothing in it is
// shared but what is immutable or atomic; other threads only `post`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gateway/exchange/exchange.hpp"
#include "gateway/exchange/hold.hpp"
#include "gateway/observe/access_log.hpp"
#include "gateway/observe/failure_log.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/process/entrance.hpp"
#include "gateway/process/idle_queue.hpp"
#include "gateway/process/listener.hpp"
#include "gateway/process/pending_connects.hpp"
#include "gateway/process/worker_view.hpp"
#include "gateway/tunnel/departures.hpp"
#include "gateway/tunnel/moving.hpp"
#include "upstream/cluster_view.hpp"
#include "upstream/pick.hpp"
#include "upstream/pool.hpp"
#include "wire/net/buffer.hpp"
#include "wire/net/event_loop.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::gateway {

class ClientConnection;
class Control;
class PasswordChecks;
class Tunnel;

// What a worker is given for life.
struct WorkerLinks {
  Control& control;
  WorkerCounters& counters;
  PasswordChecks& passwords;
  std::shared_ptr<AccessLog> access_log;  // may be null
  std::shared_ptr<spdlog::logger> error_log;
  std::size_t most_connections = 0;
  std::size_t most_buffer_bytes = 0;
};

class Worker {
 public:
  Worker(std::uint32_t index, WorkerLinks links);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Stops the loop and joins the thread; what is still open is closed.
  ~Worker();

  // === any thread ===
  void start();
  void post(std::function<void()> action) { loop_.post(std::move(action)); }

  // === the worker's own thread (or before `start`) ===
  // Listeners that are not in the view stop accepting, what waits in their queues is still served; their
  // connections end with the request in progress.
  void set_view(WorkerViewPtr view);
  void set_cluster(upstream::ClusterViewPtr cluster);
  // Accepts from a socket of a listener (see Listener); nothing if the view does not have it.
  void listen(std::uint32_t listener, std::uint64_t key, net::UniqueFd socket);
  // Leaves a socket to another worker: what waits in its queue stays there.
  void unlisten(std::uint64_t key);
  // A reload has made this worker surplus: it accepts no more, and each connection ends with its next answer.
  // Nothing is cut: it stays until it is empty, tunnels included; or it serves again.
  void stand_down();
  void serve_again();
  void set_bounds(std::size_t connections, std::size_t buffer_bytes);
  void set_access_log(std::shared_ptr<AccessLog> log) { access_.change(std::move(log)); }
  // Stops accepting and closes idle connections; requests and tunnels go on. `Control::worker_empty` follows
  // once nothing is left.
  void stop_accepting();
  // Closes the idle connections to a cluster's endpoints.
  void shed_idle(std::uint32_t cluster);
  // Tunnels end one by one over `window`.
  void leave_all(net::TimePoint::duration window, Departures::Movable movable) {
    departures_.leave_all(window, movable);
  }
  // Those that have not been told yet stay after all.
  void stay_all() { departures_.stay_all(); }
  // === another process takes over ===
  // Freezes the tunnels that can move.
  [[nodiscard]] std::vector<FrozenTunnel> freeze_tunnels();
  // Goes on with one that another process had, whose opening is complete but for the streams.
  void take_over(MovedTunnel moved);
  // As `stop_accepting`, but the other process accepts from the same sockets, and what waits in their queues
  // is its. Connections whose first request is on its way are served.
  void give_way();
  // Ends what is left: tunnels by a Close frame, requests by closing.
  void end_all();

  // --- for connections, exchanges and tunnels ---
  [[nodiscard]] std::uint32_t index() const { return index_; }
  [[nodiscard]] net::EventLoop& loop() { return loop_; }
  [[nodiscard]] net::TimePoint now() const { return loop_.now(); }
  [[nodiscard]] std::int64_t unix_seconds() const;
  [[nodiscard]] net::BufferPool& buffers() { return buffers_; }
  [[nodiscard]] upstream::Pool& pool() { return pool_; }
  [[nodiscard]] PendingConnects& connects() { return connects_; }
  [[nodiscard]] Control& control() { return links_.control; }
  [[nodiscard]] const WorkerViewPtr& view() const { return view_; }
  [[nodiscard]] const upstream::ClusterViewPtr& cluster(std::uint32_t id) const { return clusters_[id].view; }
  [[nodiscard]] upstream::PickState& pick_state(std::uint32_t id) { return clusters_[id].picks; }
  [[nodiscard]] PasswordChecks& passwords() { return links_.passwords; }
  [[nodiscard]] WorkerCounters& counters() { return links_.counters; }
  [[nodiscard]] std::span<char> scratch() {
    return scratch_;
  }  // for reads whose bytes leave before the turn ends
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] std::uint64_t random();
  void write_request_id(std::string& out);

  [[nodiscard]] std::unique_ptr<Exchange> take_exchange();
  void give_exchange(std::unique_ptr<Exchange> exchange);

  // A seat is entered until it is left; the grant raises its signal.
  void enter_hold(HoldSeat& seat, std::uint32_t cluster);
  void leave_hold(HoldSeat& seat, std::uint32_t cluster);
  void grant(std::uint64_t ticket, upstream::Reservation place);

  // True while this turn of the loop has room for another costly step of a TLS handshake.
  [[nodiscard]] bool take_handshake_step(int per_turn);

  // Completes a record with its times, counts and logs it.
  void finish(Exchange& exchange, UpstreamCounters* upstream);
  // The same for a handshake, whose line is written when its tunnel ends.
  void finish_handshake(Exchange& exchange, UpstreamCounters& upstream);
  void finish_tunnel(AccessRecord& record, UpstreamCounters& upstream);

  // A failure before any request: a line in the error log, bounded as those of requests are.
  void report(const AccessRecord& record) { failures_.report(record, loop_.now()); }

  // Of a listener that is open here.
  [[nodiscard]] const Entrance& entrance(std::uint32_t listener) const { return *entrances_.at(listener); }
  void accept(std::uint32_t listener, net::UniqueFd socket, const net::SocketAddress& peer);
  [[nodiscard]] bool has_room() const {
    return connections_.size() - retiring_ + tunnels_.size() < links_.most_connections;
  }
  [[nodiscard]] std::size_t most_connections() const { return links_.most_connections; }
  // A connection waits for its next request.
  void add_kept_alive(IdleNode& connection) { kept_alive_.enter(connection, now()); }
  // A connection has not brought the whole head of its first request yet, whatever it lacks before that (a
  // PROXY header, a handshake), or not the rest of the next one.
  void add_newcomer(IdleNode& connection) { newcomers_.enter(connection, now()); }
  // The same for all connections to a listener from `address`, as far as one client can be told from another
  // by it (IPv4 /32, IPv6 /64); 0 where none is told, and for proxies and balancers, who speak for many.
  [[nodiscard]] std::uint64_t client_of(const Entrance& entrance, std::string_view address) const;
  // Of one that was identified, by whatever way; 0 for the peer of a Unix socket.
  [[nodiscard]] std::uint64_t client_of(std::string_view address) const;
  // A handshake has TLS state from now on. Of more than a bounded number one is closed: the oldest
  // of a client that crowds others out, or else of all.
  void add_handshake(IdleNode& handshake);
  // Closes the connection that has been idle the longest, or else the oldest newcomer, or one of a client
  // that has more newcomers than `client`; false if there is none.
  [[nodiscard]] bool shed_connection(std::uint64_t client = 0);
  // In use now, those of tunnels included.
  [[nodiscard]] std::size_t buffer_bytes() const;
  // The memory for buffers is used up: no new request is taken on.
  [[nodiscard]] bool buffers_full() const;
  // Both are destroyed after the current event.
  void retire(ClientConnection& connection);
  void retire(Tunnel& tunnel);
  // `config`: what its request was routed by.
  void adopt(std::unique_ptr<Tunnel> tunnel, const conf::Config& config);
  [[nodiscard]] const std::vector<std::unique_ptr<Tunnel>>& tunnels() const { return tunnels_; }
  [[nodiscard]] spdlog::logger& error_log() { return *links_.error_log; }

 private:
  struct Cluster {
    upstream::ClusterViewPtr view;
    upstream::PickState picks;
  };
  class Tick;

  void run();
  void tick();
  void count_idle();
  void report_if_empty();
  void update_entrances();

  const std::uint32_t index_;
  WorkerLinks links_;
  net::EventLoop loop_;
  net::BufferPool buffers_;
  upstream::Pool pool_;
  PendingConnects connects_;
  WorkerViewPtr view_;
  std::vector<Cluster> clusters_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<std::uint32_t, EntrancePtr> entrances_;  // by number of the listener
  std::vector<std::unique_ptr<Exchange>> exchanges_;          // spare ones
  IdleQueue kept_alive_;                                      // wait for their next request
  IdleQueue newcomers_;                                       // have not brought a whole head yet
  IdleQueue handshakes_;                                      // those of them that hold TLS state
  std::size_t retiring_ = 0;                                  // of `connections_`
  std::vector<std::unique_ptr<ClientConnection>> connections_;
  std::vector<std::unique_ptr<Tunnel>> tunnels_;
  std::unordered_map<std::uint64_t, HoldSeat*> seats_;
  Departures departures_{*this};
  std::vector<char> scratch_;
  AccessBuffer access_;
  FailureLog failures_;
  std::unique_ptr<Tick> tick_;
  std::uint64_t random_state_;
  std::uint64_t tickets_ = 0;
  net::TimePoint handshake_turn_{};  // the turn that the next number counts for
  int handshake_steps_ = 0;
  bool stopping_ = false;
  bool empty_reported_ = false;
  std::thread thread_;
};

}  // namespace tidegate::gateway
