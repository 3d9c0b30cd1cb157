// One program started by a run, and ended by it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/resource.h>
#include <sys/types.h>

namespace tidegate::prove {

// How a process ended: `exit(status)`, or by a signal.
struct Exit {
  int status = 0;
  int signal = 0;
  std::chrono::microseconds processor_time{0};  // its own and that of its ended children
  [[nodiscard]] std::string text() const;
};

// A child process in a group of its own, so that an interrupt at the terminal does not reach it and that its
// children end with it. The destructor kills what is still running.
class Process {
 public:
  // Starts `command` with both outputs appended to `log` (empty: kept as they are). Throws std::system_error.
  Process(boost::asio::io_context& context, const std::vector<std::string>& command, const std::string& log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t id() const { return id_; }
  [[nodiscard]] bool running() const { return !exit_.has_value(); }
  // Reaps the process if it has ended.
  [[nodiscard]] const std::optional<Exit>& poll();
  // Sends a signal to the process alone; nothing if it has ended.
  void send(int signal);
  // Waits for the end; none after `patience`.
  boost::asio::awaitable<std::optional<Exit>> wait(std::chrono::milliseconds patience);
  // SIGTERM, and SIGKILL after `patience`.
  boost::asio::awaitable<Exit> end(std::chrono::milliseconds patience);

 private:
  boost::asio::io_context& context_;
  pid_t id_ = -1;
  boost::asio::posix::stream_descriptor handle_;  // a pidfd: readable when the process has ended
  std::optional<Exit> exit_;
};

}  // namespace tidegate::prove
