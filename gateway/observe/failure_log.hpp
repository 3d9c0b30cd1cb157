// The error log: one line per failure with its attempts and evidence, and one per change of an endpoint's
// state. Logging never blocks a worker: lines go through a bounded queue whose oldest are overrun.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/logger.h>

#include "conf/config.hpp"
#include "gateway/observe/access_record.hpp"
#include "gateway/observe/failure_limiter.hpp"

namespace tidegate::upstream {
class Endpoint;
struct Transition;
}  // namespace tidegate::upstream

namespace spdlog::details {
class thread_pool;
}

namespace tidegate::gateway {

class LogFileSink;

// The logger of the process with its queue and thread. What was logged is written when it is destroyed;
// destroy it after everything that logs.
class ErrorLog {
 public:
  static constexpr std::size_t default_queue_lines = 8192;

  // Throws std::system_error if the file cannot be opened.
  explicit ErrorLog(const conf::ErrorLog& settings, std::size_t queue_lines = default_queue_lines);
  ~ErrorLog();
  ErrorLog(const ErrorLog&) = delete;
  ErrorLog& operator=(const ErrorLog&) = delete;

  [[nodiscard]] const std::shared_ptr<spdlog::logger>& logger() const { return logger_; }
  // Opens the file anew by its name (SIGUSR1). Any thread.
  void reopen();
  // Goes on in another file or with another level; lines that are queued still may come there. Throws
  // std::system_error if the file cannot be opened; then nothing has changed.
  void change(const conf::ErrorLog& settings);
  void set_level(conf::LogLevel level);
  // Lines overrun in the queue or not written.
  [[nodiscard]] std::uint64_t dropped_lines() const;

 private:
  std::string path_;
  std::shared_ptr<LogFileSink> sink_;
  std::shared_ptr<spdlog::details::thread_pool> queue_;
  std::shared_ptr<spdlog::logger> logger_;
};

// === lines (pure) ===

// `502 connection_refused "GET /app/x" host=... client=... id=... route=... upstream=... attempts=[...]
// hold=... time=...`; what clients sent is escaped as in the access log. No newline.
void append_failure_line(std::string& out, const AccessRecord& record);
// `endpoint soketi/pod-0 10.0.0.1:6001: ready -> unready (refused) at 2024-05-01T10:00:00.123Z`. No newline.
[[nodiscard]] std::string state_line(const upstream::Endpoint& endpoint, std::string_view cluster,
                                     const upstream::Transition& transition);
// `endpoint soketi/pod-0 10.0.0.1:6001: takes no new sockets (newSocketProbe: HTTP 500 in 1.2 ms)`; whether
// it does, the endpoint says itself. No newline.
[[nodiscard]] std::string sockets_line(const upstream::Endpoint& endpoint, std::string_view cluster,
                                       std::string_view cause);

// One worker's way to the error log. Used by its worker only.
class FailureLog {
 public:
  explicit FailureLog(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}
  ~FailureLog();
  FailureLog(const FailureLog&) = delete;
  FailureLog& operator=(const FailureLog&) = delete;

  // Logs a record that failed, unless its kind has said enough; nothing for FailureReason::none. Statuses
  // from 500 on are errors, the client's own faults info.
  void report(const AccessRecord& record, std::chrono::steady_clock::time_point now);
  // To be called about every second: says how many similar lines were suppressed.
  void summarise(std::chrono::steady_clock::time_point now);

 private:
  void say(const std::vector<FailureLimiter::Summary>& summaries);

  std::shared_ptr<spdlog::logger> logger_;
  FailureLimiter limiter_;
  std::string line_;
};

// Logs a change of state; called on the control thread. Ready is info, unready and draining are warnings.
void log_transition(spdlog::logger& logger, const upstream::Endpoint& endpoint, std::string_view cluster,
                    const upstream::Transition& transition);
// `endpoint soketi/10.0.0.1:6001: answers probes as several pods (ws-1 and ws-2): ...`; `names` are escaped.
// No newline.
[[nodiscard]] std::string shared_address_line(const upstream::Endpoint& endpoint, std::string_view cluster,
                                              std::string_view names);
// Logs whether an endpoint takes new WebSockets now; called on the control thread. A warning if not.
void log_sockets(spdlog::logger& logger, const upstream::Endpoint& endpoint, std::string_view cluster,
                 std::string_view cause);

}  // namespace tidegate::gateway
