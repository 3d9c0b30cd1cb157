// The pod as a whole: its listener, its phases from start to exit, and its open sockets.
#pragma once

#include <string>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "examples/socket-pod/life.hpp"
#include "examples/socket-pod/options.hpp"

namespace tidegate::pod {

class WebSocket;

// Runs on one thread, that of the io_context, which must be running for anything to happen.
class Pod {
 public:
  // Binds the address, so that a port in use is known at once; throws boost::system::system_error.
  Pod(boost::asio::io_context& context, Options options);
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  // Starts the phases. The context runs out of work, or is stopped, when the pod has ended.
  void start();

  // --- for the sessions ---
  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] const Life& life() const { return life_; }
  [[nodiscard]] std::string next_socket_id();
  // The body of `/stats`.
  [[nodiscard]] std::string statistics() const;
  void order_ready(ReadyOrder order) { life_.order = order; }
  void count_closed() { life_.count_closed(); }
  void count_message() { ++life_.counts.messages; }
  // A socket is listed from its handshake until nothing of it is left; it counts as open until its Close is
  // read.
  void add(WebSocket& socket);
  void remove(WebSocket& socket);

 private:
  boost::asio::awaitable<void> run_start();
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> watch_signals();
  boost::asio::awaitable<void> run_end();
  boost::asio::awaitable<void> sleep(std::chrono::milliseconds time);
  void enter(Phase phase);
  void send_all_away();

  boost::asio::io_context& context_;
  Options options_;
  Life life_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::signal_set signals_;
  std::unordered_set<WebSocket*> sockets_;
  std::uint64_t last_socket_id_ = 0;
  bool ending_ = false;  // SIGTERM came
};

}  // namespace tidegate::pod
