#include "gateway/process/started_with.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace tidegate::gateway {
namespace {

constexpr std::chrono::microseconds kLongestWatchdog = std::chrono::hours(24);
constexpr int kFirstDescriptor = 3;  // SD_LISTEN_FDS_START

std::optional<std::int64_t> number(const char* text) {
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void take_sockets(StartedWith& with) {
  const auto count = sockets_handed_over(std::getenv("LISTEN_PID"), std::getenv("LISTEN_FDS"), ::getpid());
  for (std::size_t i = 0; i < count; ++i) {
    const int descriptor = kFirstDescriptor + static_cast<int>(i);
    if (::fcntl(descriptor, F_GETFD) < 0) {
      with.warnings.push_back("LISTEN_FDS says " + std::to_string(count) + ", but only " + std::to_string(i) +
                              " descriptors were handed over");
      break;
    }
    const auto fault = with.sockets.add(net::UniqueFd(descriptor), true);
    if (!fault.empty())
      with.warnings.push_back("descriptor " + std::to_string(descriptor) +
                              " was handed over as a listening socket and is closed, since it is " + fault);
  }
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"}) ::unsetenv(name);
}

void take_notify_socket(StartedWith& with) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  if (*path == '/' || *path == '@') with.notify.socket = net::SocketAddress::from_path(path);
  if (!with.notify.socket)
    with.warnings.push_back("NOTIFY_SOCKET names no socket that can be used here: " + std::string(path));
}

}  // namespace

std::size_t sockets_handed_over(const char* listen_pid, const char* listen_fds, pid_t self) {
  const auto count = number(listen_fds);
  if (number(listen_pid) != self || !count || *count < 0) return 0;
  if (*count > std::numeric_limits<int>::max() - kFirstDescriptor) return 0;
  return static_cast<std::size_t>(*count);
}

std::chrono::microseconds watchdog_of(const char* watchdog_usec, const char* watchdog_pid, pid_t self) {
  const auto interval = number(watchdog_usec);
  if (!interval || *interval <= 0) return {};
  if (watchdog_pid != nullptr && number(watchdog_pid) != self) return {};
  return std::min(std::chrono::microseconds(*interval), kLongestWatchdog);
}

StartedWith take_environment() {
  StartedWith with;
  take_sockets(with);
  take_notify_socket(with);
  with.notify.watchdog = watchdog_of(std::getenv("WATCHDOG_USEC"), std::getenv("WATCHDOG_PID"), ::getpid());
  // It named this process; the next one is as much the service.
  if (with.notify.watchdog.count() > 0) ::unsetenv("WATCHDOG_PID");
  return with;
}

}  // namespace tidegate::gateway
