// What the process was given by whoever started it, besides its arguments.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <sys/types.h>

#include "gateway/handover/successor.hpp"
#include "gateway/process/inherited_sockets.hpp"
#include "gateway/process/service_notifier.hpp"

namespace tidegate::gateway {

// A socket of the admin listener's that listens already.
struct InheritedAdmin {
  std::string address;  // or path
  net::UniqueFd socket;
};

struct StartedWith {
  InheritedSockets sockets;
  InheritedAdmin admin;
  InheritedAdmin commands;
  // Workers are not started before `Gateway::start_workers`: another process still serves.
  bool held = false;
  SuccessorProgram self;  // what an upgrade starts if it names no other program; empty: there are no upgrades
  NotifyTarget notify;
  std::vector<std::string> warnings;  // about what is of no use here
};

// Takes over the sockets of LISTEN_PID and LISTEN_FDS (sd_listen_fds(3)), NOTIFY_SOCKET (sd_notify(3)) and
// WATCHDOG_USEC (sd_watchdog_enabled(3)). Before anything is opened, once, and before there are threads: the
// sockets are known by their numbers, and the variables that are meant for this process alone are removed. A
// successor that it starts is of the same service, so it inherits the other two.
[[nodiscard]] StartedWith take_environment();

// How many sockets were handed over, from descriptor 3 on; 0 if they are meant for another process. Null:
// not set.
[[nodiscard]] std::size_t sockets_handed_over(const char* listen_pid, const char* listen_fds, pid_t self);
// How often signs of life are expected; 0: not at all, or of another process. Null: not set.
[[nodiscard]] std::chrono::microseconds watchdog_of(const char* watchdog_usec, const char* watchdog_pid,
                                                    pid_t self);

}  // namespace tidegate::gateway
