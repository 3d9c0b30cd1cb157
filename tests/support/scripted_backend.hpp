// An endpoint in the hands of a test. Two ways to script it: `accept` gives the next connection to the test
// thread, which then reads and writes step by step (doing nothing is a stall, and the order of steps is the
// gate); `serve` runs a script for every connection on a thread of its own, for tests with many connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/raw_socket.hpp"

namespace tidegate::test {

class ScriptedBackend {
 public:
  using Script = std::function<void(RawSocket&)>;

  // Listens at once at a port of the system's choice, or at a Unix socket. The port stays reserved for this
  // object while it refuses.
  ScriptedBackend() : ScriptedBackend("127.0.0.1") {}
  explicit ScriptedBackend(const std::string& address);
  // Ends what it serves: sockets are shut down and threads joined.
  ~ScriptedBackend();
  ScriptedBackend(const ScriptedBackend&) = delete;
  ScriptedBackend& operator=(const ScriptedBackend&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // As an endpoint in a configuration: `127.0.0.1:PORT`, `[::1]:PORT` or `unix:PATH`.
  [[nodiscard]] std::string address() const { return address_; }

  // === step by step ===

  // The next connection; waits for it.
  [[nodiscard]] RawSocket accept();
  // A connection waits to be accepted, or comes within the time.
  [[nodiscard]] bool has_connection(std::chrono::milliseconds within = std::chrono::milliseconds(0));
  // Accepts a connection and answers its first request; returns both.
  [[nodiscard]] RawSocket answer_one(std::string_view answer);
  // No connection was ever made: neither accepted nor waiting.
  [[nodiscard]] bool untouched() { return accepted_ == 0 && !has_connection(); }

  // === by script ===

  // Every connection from now on runs `script`. A connection that ends early ends its script quietly; any
  // other failure is kept in `failures`.
  void serve(Script script);
  [[nodiscard]] std::vector<std::string> failures() const;

  // === the listening socket ===

  // Closes it: connects are refused (connections go on). Those that wait to be accepted are reset.
  void refuse();
  // Listens again at the same address, with the script given before.
  void listen();
  // Keeps listening with a queue that is full: connects to it get no answer. TCP only.
  void ignore_connects();
  // Lets them in again: those that wait have their connection as soon as they ask once more.
  void release_connects();

  [[nodiscard]] int connections() const { return accepted_; }
  // The most that scripts have had open at once; one whose peer has sent FIN does not count, read or not.
  [[nodiscard]] int most_open_connections() const { return most_; }

 private:
  void accept_all();
  void run(std::shared_ptr<RawSocket> connection);
  void stop_serving();
  int count_open();

  std::string address_;
  std::string path_;  // of a Unix socket
  std::uint16_t port_ = 0;
  int family_ = 0;
  net::UniqueFd reservation_;  // bound, never listening: nobody else gets the port meanwhile
  net::UniqueFd listener_;
  net::UniqueFd wake_;                // an eventfd that ends `accept_all`
  std::vector<net::UniqueFd> crowd_;  // fills the queue
  Script script_;
  std::thread acceptor_;
  mutable std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::vector<std::weak_ptr<RawSocket>> served_;
  std::vector<std::string> failures_;
  std::atomic<int> accepted_{0};
  std::atomic<int> most_{0};
};

// A door for scripts: `wait` returns once it is open, at the latest after `kPatience`, by throwing
// Unexpected.
class Gate {
 public:
  void open() { open_ = true; }
  void wait() const {
    wait_until("a gate to open", [this] { return open_.load(); });
  }

 private:
  std::atomic<bool> open_{false};
};

// `HTTP/1.1 200 OK` with this body and its Content-Length; `fields` are whole lines.
[[nodiscard]] std::string ok(std::string_view body, std::string_view fields = {});

// Answers every request of a connection with `ok(body)` until it ends.
[[nodiscard]] ScriptedBackend::Script answer_all(std::string body);

}  // namespace tidegate::test
