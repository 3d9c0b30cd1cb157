// The access log: a pure formatter, a buffer per worker, and one writer thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "conf/config.hpp"
#include "gateway/observe/access_record.hpp"
#include "gateway/observe/log_file.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

// Appends one line with its newline. `combined` is byte for byte nginx's predefined format and `main` that of
// its sample configuration (combined and "$http_x_forwarded_for"), followed by key=value fields for what
// happened upstream, so that parsers of `main` go on working. In both, bytes outside printable ASCII, `"` and
// `\` are written as `\xHH`, and an empty value as `-`. `json` is one object per line; bytes that are not
// UTF-8 become U+FFFD.
void append_access_line(std::string& out, const AccessRecord& record, conf::AccessFormat format);

// The file and its writer thread. Shared by all workers through `shared_ptr`; any thread may call it. What
// was handed over is written before the destructor returns, unless the reader of a pipe stands still.
class AccessLog {
 public:
  static constexpr std::size_t default_queue_bytes = 16 * 1024 * 1024;

  // Throws std::system_error if the file cannot be opened. `errors` is told once when writing begins to fail
  // and once when it works again; it may be null.
  AccessLog(const conf::AccessLog& settings, std::shared_ptr<spdlog::logger> errors,
            std::size_t queue_bytes = default_queue_bytes);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // Takes the lines and leaves an empty string of some capacity in their place. Never waits for the writer:
  // what does not fit in the queue is dropped and counted. `lines` is their number.
  void hand_over(std::string& text, std::size_t lines);
  // After what was handed over so far has been written, the file is opened anew by its name (SIGUSR1).
  void reopen();

  [[nodiscard]] conf::AccessFormat format() const { return format_; }
  // Lines lost because the queue was full or because they could not be written.
  [[nodiscard]] std::uint64_t dropped_lines() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t write_errors() const { return write_errors_.load(std::memory_order_relaxed); }

 private:
  struct Chunk {
    std::string text;
    std::size_t lines = 0;
  };
  void run();
  void write(const Chunk& chunk);

  const conf::AccessFormat format_;
  const std::size_t queue_bytes_;
  const std::shared_ptr<spdlog::logger> errors_;
  LogFile file_;  // used by the writer thread only
  bool failing_ = false;

  std::mutex mutex_;  // held for a swap of vectors, never while writing
  std::condition_variable wake_;
  std::vector<Chunk> queue_;
  std::vector<std::string> spare_;
  std::size_t queued_bytes_ = 0;
  bool reopen_ = false;
  bool stop_ = false;

  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> write_errors_{0};
  std::thread writer_;
};

// One worker's lines, collected without a lock and handed over when they are more than 32 KiB or older than a
// second, and when it is destroyed. Used by its worker only.
class AccessBuffer {
 public:
  static constexpr std::size_t full = 32 * 1024;
  static constexpr std::chrono::seconds longest_wait{1};

  // A null log makes every call do nothing.
  explicit AccessBuffer(std::shared_ptr<AccessLog> log);
  ~AccessBuffer() { flush(); }
  AccessBuffer(const AccessBuffer&) = delete;
  AccessBuffer& operator=(const AccessBuffer&) = delete;

  void append(const AccessRecord& record, std::chrono::steady_clock::time_point now);
  // To be called about every second, so that the lines of a quiet worker appear too.
  void flush_if_old(std::chrono::steady_clock::time_point now);
  void flush();
  // Flushes to the old log and goes on with another (a reload).
  void change(std::shared_ptr<AccessLog> log);
  [[nodiscard]] bool enabled() const { return log_ != nullptr; }

 private:
  std::shared_ptr<AccessLog> log_;
  std::string text_;
  std::size_t lines_ = 0;
  std::chrono::steady_clock::time_point oldest_{};
};

}  // namespace tidegate::gateway
