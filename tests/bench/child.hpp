// Child processes: other programs, and parts of this one that need descriptors or processor time of their
// own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "wire/net/unique_fd.hpp"

namespace tidegate::bench {

// A process started by this one; ended by the destructor. Nothing outlives a bench that is itself killed.
class Child {
 public:
  Child() = default;
  explicit Child(pid_t id) : id_(id) {}
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child() { end(); }

  [[nodiscard]] pid_t id() const { return id_; }
  [[nodiscard]] bool running();
  // SIGTERM, and SIGKILL after `patience_ms`.
  void end(int patience_ms = 5'000);

 private:
  pid_t id_ = -1;
};

// Runs a program with both outputs appended to `log`. Throws std::system_error.
[[nodiscard]] Child start_program(const std::vector<std::string>& command, const std::string& log);

// From here on SIGINT and SIGTERM end the bench by an exception from `Channel::hear`, so that everything
// started is ended and no file stays.
void end_on_interrupt();

// Lines to and from a part that runs in a process of its own.
class Channel {
 public:
  Channel() = default;
  explicit Channel(net::UniqueFd socket) : socket_(std::move(socket)) {}

  void say(const std::string& line);
  // The next line; throws std::runtime_error when the other side has ended, or said `error ...`.
  [[nodiscard]] std::string hear();

 private:
  net::UniqueFd socket_;
  std::string rest_;
};

// A part of the bench in a process of its own. An exception in it reaches the caller of `channel.hear`.
struct Part {
  Channel channel;
  Child process;  // ended before the channel is closed
};
[[nodiscard]] Part start_part(const std::function<void(Channel&)>& body);

}  // namespace tidegate::bench
