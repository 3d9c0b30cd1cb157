#include "gateway/observe/failure_log.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

#include "gateway/observe/log_file.hpp"
#include "upstream/registry.hpp"

namespace tidegate::gateway {

// Writes each line at once; used by the queue's thread only, apart from the atomics.
class LogFileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogFileSink(const std::string& path) : file_(std::make_unique<LogFile>(path)) {}

  void change(std::unique_ptr<LogFile> file) {
    const std::lock_guard lock(mutex_);
    file_ = std::move(file);
  }
  void ask_to_reopen() { reopen_.store(true, std::memory_order_relaxed); }
  void hurry() { file_->hurry(); }
  [[nodiscard]] std::uint64_t lost_lines() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    reopen_if_asked();
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (file_->write({line.data(), line.size()})) lost_.fetch_add(1, std::memory_order_relaxed);
  }
  void flush_() override { reopen_if_asked(); }
  // On failure the old file stays in use: the only place left to write to is the one that works.
  void reopen_if_asked() {
    if (!reopen_.exchange(false, std::memory_order_relaxed)) return;
    if (const auto error = file_->reopen()) {
      const auto line = "cannot reopen error log " + file_->path() + ": " + error.message() + "\n";
      if (file_->write(line)) lost_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  std::unique_ptr<LogFile> file_;
  std::atomic<bool> reopen_{false};
  std::atomic<std::uint64_t> lost_{0};
};

namespace {

spdlog::level::level_enum level_of(conf::LogLevel level) {
  switch (level) {
    case conf::LogLevel::debug: return spdlog::level::debug;
    case conf::LogLevel::info: return spdlog::level::info;
    case conf::LogLevel::warn: return spdlog::level::warn;
    case conf::LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

ErrorLog::ErrorLog(const conf::ErrorLog& settings, std::size_t queue_lines)
    : path_(settings.path),
      sink_(std::make_shared<LogFileSink>(settings.path)),
      queue_(std::make_shared<spdlog::details::thread_pool>(queue_lines, 1)) {
  logger_ = std::make_shared<spdlog::async_logger>("tidegate", sink_, queue_,
                                                   spdlog::async_overflow_policy::overrun_oldest);
  logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z [%l] %v");
  set_level(settings.level);
}

ErrorLog::~ErrorLog() {
  sink_->hurry();
  // Writes what is queued, then joins the thread. The lines in the queue hold the logger, so it goes after
  // them, and on this thread.
  queue_.reset();
  logger_.reset();
}

void ErrorLog::reopen() {
  sink_->ask_to_reopen();
  logger_->flush();  // through the queue: the file is changed by the thread that writes it
}

void ErrorLog::change(const conf::ErrorLog& settings) {
  if (settings.path != path_) {
    sink_->change(std::make_unique<LogFile>(settings.path));
    path_ = settings.path;
  }
  set_level(settings.level);
}

void ErrorLog::set_level(conf::LogLevel level) {
  logger_->set_level(level_of(level));
}

std::uint64_t ErrorLog::dropped_lines() const {
  return queue_->overrun_counter() + sink_->lost_lines();
}

// === a worker's failure log ===

FailureLog::~FailureLog() {
  say(limiter_.finish());
}

void FailureLog::report(const AccessRecord& record, std::chrono::steady_clock::time_point now) {
  if (record.failure == FailureReason::none) return;
  const auto level = record.status >= 500 ? spdlog::level::err : spdlog::level::info;
  if (!logger_->should_log(level)) return;
  summarise(now);
  if (!limiter_.admit(kind_of(record), now)) return;
  line_.clear();
  append_failure_line(line_, record);
  logger_->log(level, "{}", line_);
}

void FailureLog::summarise(std::chrono::steady_clock::time_point now) {
  say(limiter_.expire(now));
}

void FailureLog::say(const std::vector<FailureLimiter::Summary>& summaries) {
  for (const auto& summary : summaries) {
    const auto& reason = describe(summary.reason());
    logger_->log(reason.status >= 500 ? spdlog::level::err : spdlog::level::info,
                 "{} {}{}: {} similar suppressed within {} s", reason.status, reason.name, summary.subject(),
                 summary.suppressed(), FailureLimiter::window.count());
  }
}

void log_transition(spdlog::logger& logger, const upstream::Endpoint& endpoint, std::string_view cluster,
                    const upstream::Transition& transition) {
  using upstream::EndpointState;
  const bool worse = transition.to == EndpointState::unready || transition.to == EndpointState::draining;
  logger.log(worse ? spdlog::level::warn : spdlog::level::info, "{}",
             state_line(endpoint, cluster, transition));
}

void log_sockets(spdlog::logger& logger, const upstream::Endpoint& endpoint, std::string_view cluster,
                 std::string_view cause) {
  logger.log(endpoint.takes_new_sockets() ? spdlog::level::info : spdlog::level::warn, "{}",
             sockets_line(endpoint, cluster, cause));
}

}  // namespace tidegate::gateway
