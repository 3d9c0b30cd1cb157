#include "gateway/observe/log_file.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tidegate::gateway {

namespace {

constexpr int patience_ms = 500;  // after `hurry`
constexpr int look_again_ms = 100;

std::error_code last_error() {
  return {errno, std::generic_category()};
}

// 0600 would keep a log shipper of another user out; nginx creates its logs 0644 too.
int open_for_append(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

}  // namespace

LogFile::LogFile(std::string path) : path_(std::move(path)) {
  if (path_ == "stdout" || path_ == "stderr") {
    standard_ = true;
    fd_ = path_ == "stdout" ? STDOUT_FILENO : STDERR_FILENO;
  } else {
    fd_ = open_for_append(path_);
    if (fd_ < 0) throw std::system_error(last_error(), "cannot open log file " + path_);
  }
  note_kind();
}

LogFile::~LogFile() {
  if (!standard_) ::close(fd_);
}

void LogFile::note_kind() {
  struct stat status {};
  may_block_ = ::fstat(fd_, &status) == 0 && !S_ISREG(status.st_mode);
}

std::error_code LogFile::reopen() {
  if (standard_) return {};
  const int fd = open_for_append(path_);
  if (fd < 0) return last_error();
  ::close(std::exchange(fd_, fd));
  note_kind();
  return {};
}

// Waits in short steps, so that `hurry` is seen.
std::error_code LogFile::wait_writable() {
  for (int waited = 0; !hurry_.load(std::memory_order_relaxed) || waited < patience_ms;) {
    pollfd waiting{fd_, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, look_again_ms);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return last_error();
    if (hurry_.load(std::memory_order_relaxed)) waited += look_again_ms;
  }
  given_up_ = true;
  return std::make_error_code(std::errc::timed_out);
}

std::error_code LogFile::write(std::string_view text) {
  if (given_up_) return std::make_error_code(std::errc::timed_out);
  while (!text.empty()) {
    // A pipe that polls writable takes PIPE_BUF bytes without blocking, and not surely more.
    const auto step = may_block_ ? std::min<std::size_t>(text.size(), PIPE_BUF) : text.size();
    if (may_block_) {
      if (const auto error = wait_writable()) return error;
    }
    const auto written = ::write(fd_, text.data(), step);
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return last_error();
    }
  }
  return {};
}

}  // namespace tidegate::gateway
