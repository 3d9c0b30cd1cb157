// The descriptor behind a log: a file opened for appending, or standard output or error.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <system_error>

namespace tidegate::gateway {

// Not thread-safe, apart from `hurry`.
class LogFile {
 public:
  // `stdout`, `stderr` or a file name. Throws std::system_error naming the file.
  explicit LogFile(std::string path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Writes all of it. Waits for a pipe or terminal that is full, until `hurry` was called: then it gives up
  // after 500 ms without progress, with `timed_out`.
  [[nodiscard]] std::error_code write(std::string_view text);
  // Opens the file anew by its name; on failure the old one stays in use. Nothing to do for stdout and
  // stderr.
  [[nodiscard]] std::error_code reopen();
  // From now on a reader that stands still is not waited for. Any thread.
  void hurry() { hurry_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] std::error_code wait_writable();
  void note_kind();

  std::string path_;
  int fd_ = -1;
  bool standard_ = false;  // stdout or stderr: not ours to close
  bool may_block_ = false;
  bool given_up_ = false;
  std::atomic<bool> hurry_{false};
};

}  // namespace tidegate::gateway
