// The process that is to take over from this one, as this one sees it.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "gateway/handover/channel.hpp"

namespace tidegate::gateway {

// What to start. `program` is the file; `arguments` begin with the program's name.
struct SuccessorProgram {
  std::string program;
  std::vector<std::string> arguments;
};

// The environment variable that tells a process that it is one; its value is the channel's descriptor.
inline constexpr const char* handover_variable = "TIDEGATE_HANDOVER";

// A child process with a channel to it. Unless it is `released`, it is killed and waited for when this is
// destroyed.
class Successor {
 public:
  // Throws HandoverFault if the program cannot be started.
  explicit Successor(const SuccessorProgram& program);
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;
  ~Successor();

  [[nodiscard]] HandoverChannel& channel() { return channel_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // From now on it lives on its own.
  void release() { pid_ = -1; }
  // Ends it. How it has ended, if that was before: `; it ended with status 1`; else empty.
  [[nodiscard]] std::string end();

 private:
  pid_t pid_ = -1;
  HandoverChannel channel_;
};

}  // namespace tidegate::gateway
