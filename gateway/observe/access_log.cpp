#include "gateway/observe/access_log.hpp"

#include <utility>

#include <spdlog/logger.h>

namespace tidegate::gateway {

namespace {

// Room for a usual line above the limit, so that a buffer does not grow.
constexpr std::size_t buffer_capacity = AccessBuffer::full + 8 * 1024;
constexpr std::size_t most_spare = 64;

}  // namespace

AccessLog::AccessLog(const conf::AccessLog& settings, std::shared_ptr<spdlog::logger> errors,
                     std::size_t queue_bytes)
    : format_(settings.format), queue_bytes_(queue_bytes), errors_(std::move(errors)), file_(settings.path) {
  writer_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  file_.hurry();
  wake_.notify_one();
  writer_.join();
}

void AccessLog::hand_over(std::string& text, std::size_t lines) {
  if (text.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    // A chunk larger than the whole queue still passes when nothing waits.
    if (!queue_.empty() && queued_bytes_ + text.size() > queue_bytes_) {
      dropped_.fetch_add(lines, std::memory_order_relaxed);
      text.clear();
      return;
    }
    queued_bytes_ += text.size();
    queue_.push_back({std::move(text), lines});
    text = std::string();
    if (!spare_.empty()) {
      text = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  wake_.notify_one();
}

void AccessLog::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void AccessLog::run() {
  std::vector<Chunk> chunks;
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stop_ || reopen_ || !queue_.empty(); });
    if (queue_.empty() && !reopen_) return;  // stopped, and everything is written
    chunks.swap(queue_);
    const bool reopen = std::exchange(reopen_, false);
    lock.unlock();

    std::size_t bytes = 0;
    for (const auto& chunk : chunks) {
      bytes += chunk.text.size();
      write(chunk);
    }
    if (reopen) {
      const auto error = file_.reopen();
      if (error && errors_) errors_->error("cannot reopen access log {}: {}", file_.path(), error.message());
    }

    lock.lock();
    queued_bytes_ -= bytes;  // only now: what is being written still takes memory
    for (auto& chunk : chunks) {
      if (spare_.size() == most_spare) break;
      chunk.text.clear();
      spare_.push_back(std::move(chunk.text));
    }
    chunks.clear();
  }
}

void AccessLog::write(const Chunk& chunk) {
  const auto error = file_.write(chunk.text);
  if (error) {
    write_errors_.fetch_add(1, std::memory_order_relaxed);
    dropped_.fetch_add(chunk.lines, std::memory_order_relaxed);
  }
  const bool was_failing = std::exchange(failing_, static_cast<bool>(error));
  if (!errors_ || was_failing == failing_) return;
  if (failing_) {
    errors_->error("cannot write access log {}: {}; lines are lost until it can", file_.path(),
                   error.message());
  } else {
    errors_->info("access log {} is written again; {} lines were lost so far", file_.path(), dropped_lines());
  }
}

AccessBuffer::AccessBuffer(std::shared_ptr<AccessLog> log) : log_(std::move(log)) {
  if (log_) text_.reserve(buffer_capacity);
}

void AccessBuffer::append(const AccessRecord& record, std::chrono::steady_clock::time_point now) {
  if (!log_) return;
  if (lines_ == 0) oldest_ = now;
  append_access_line(text_, record, log_->format());
  ++lines_;
  if (text_.size() > full) {
    flush();
  } else {
    flush_if_old(now);
  }
}

void AccessBuffer::flush_if_old(std::chrono::steady_clock::time_point now) {
  if (lines_ > 0 && now - oldest_ >= longest_wait) flush();
}

void AccessBuffer::flush() {
  if (!log_ || lines_ == 0) return;
  log_->hand_over(text_, std::exchange(lines_, 0));
  text_.reserve(buffer_capacity);
}

void AccessBuffer::change(std::shared_ptr<AccessLog> log) {
  flush();
  log_ = std::move(log);
  if (log_) text_.reserve(buffer_capacity);
}

}  // namespace tidegate::gateway
