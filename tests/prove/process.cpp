#include "tests/prove/process.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tidegate::prove {

namespace asio = boost::asio;

namespace {

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const std::vector<char*>& arguments, int log) {
  ::setpgid(0, 0);
  // Nothing survives a run that is itself killed.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (log >= 0) {
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
  }
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::chrono::microseconds processor_time(const rusage& usage) {
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

std::string Exit::text() const {
  if (signal != 0) return "ended by signal " + std::to_string(signal);
  return "exit status " + std::to_string(status);
}

Process::Process(asio::io_context& context, const std::vector<std::string>& command, const std::string& log)
    : context_(context), handle_(context) {
  std::vector<std::string> copies = command;
  std::vector<char*> arguments;
  arguments.reserve(copies.size() + 1);
  for (auto& copy : copies) arguments.push_back(copy.data());
  arguments.push_back(nullptr);
  const int file = log.empty() ? -1 : ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (!log.empty() && file < 0) fail("cannot write " + log);
  id_ = ::fork();
  if (id_ == 0) become(arguments, file);
  const int fork_error = errno;
  if (file >= 0) ::close(file);
  errno = fork_error;
  if (id_ < 0) fail("cannot start " + command.front());
  const auto descriptor = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));
  if (descriptor < 0) {
    ::kill(id_, SIGKILL);
    fail("pidfd_open (Linux 5.3 or newer is needed)");
  }
  handle_.assign(descriptor);
}

Process::~Process() {
  if (poll()) return;
  ::kill(-id_, SIGKILL);
  ::kill(id_, SIGKILL);
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
}

const std::optional<Exit>& Process::poll() {
  if (exit_) return exit_;
  int status = 0;
  rusage usage{};
  if (::wait4(id_, &status, WNOHANG, &usage) != id_) return exit_;
  exit_.emplace();
  if (WIFEXITED(status)) exit_->status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) exit_->signal = WTERMSIG(status);
  exit_->processor_time = processor_time(usage);
  return exit_;
}

void Process::send(int signal) {
  if (!poll()) ::kill(id_, signal);
}

asio::awaitable<std::optional<Exit>> Process::wait(std::chrono::milliseconds patience) {
  asio::steady_timer timer(context_, patience);
  timer.async_wait([this](boost::system::error_code error) {
    if (!error) handle_.cancel();
  });
  if (!poll()) {
    co_await handle_.async_wait(asio::posix::stream_descriptor::wait_read,
                                asio::as_tuple(asio::use_awaitable));
  }
  timer.cancel();
  co_return poll();
}

asio::awaitable<Exit> Process::end(std::chrono::milliseconds patience) {
  send(SIGTERM);
  auto ended = co_await wait(patience);
  if (!ended) {
    ::kill(-id_, SIGKILL);
    ended = co_await wait(std::chrono::seconds(10));
  }
  co_return ended.value_or(Exit{0, SIGKILL, {}});
}

}  // namespace tidegate::prove
