// What the process manager that started the gateway hears of it: the protocol of sd_notify(3), for systemd's
// Type=notify and Type=notify-reload, without its library.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/types.h>

#include "wire/net/socket_address.hpp"
#include "wire/net/unique_fd.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

// Who is to be told; by default nobody.
struct NotifyTarget {
  std::optional<net::SocketAddress> socket;
  std::chrono::microseconds watchdog{
      0};  // it is told of life at least this often; 0: it does not wait for it
};

// A status as it may stand in a message: one line of bounded length, not cut within a character of UTF-8.
[[nodiscard]] std::string status_line(std::string_view text);

// Used on control's thread only. Without a target every call does nothing.
class ServiceNotifier {
 public:
  using Status = std::function<std::string()>;

  // `status` is what the gateway does now, for people; it is asked once a second, and told when it differs.
  ServiceNotifier(boost::asio::io_context& context, const NotifyTarget& target,
                  std::shared_ptr<spdlog::logger> log, Status status);
  ServiceNotifier(const ServiceNotifier&) = delete;
  ServiceNotifier& operator=(const ServiceNotifier&) = delete;

  // It serves: after the start, and after a reload however that went. Signs of life begin with the first.
  void ready();
  // A reload begins; `ready` must follow.
  void reloading();
  // The end has begun, and there is no way back (systemd 259 and later hold that too): nothing but the status
  // is told after it.
  void stopping();
  // Another process is the gateway from now on, and this one falls silent. It must belong to the same unit.
  void hand_over(pid_t successor);

 private:
  void announce(std::string_view state);
  void send(std::string message);
  void flush();
  void beat();
  void schedule();

  const NotifyTarget target_;
  const std::shared_ptr<spdlog::logger> log_;
  const Status status_;
  boost::asio::steady_timer timer_;
  net::UniqueFd socket_;
  std::deque<std::string> unsent_;  // its queue was full
  std::string last_status_;
  std::chrono::steady_clock::time_point next_sign_{};
  bool beating_ = false;
  bool stopping_ = false;
  bool silent_ = false;
  bool failing_ = false;  // said so
};

}  // namespace tidegate::gateway
