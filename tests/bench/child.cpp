#include "tests/bench/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace tidegate::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int) {
  interrupted = 1;
}

pid_t fork_or_throw() {
  std::fflush(nullptr);  // or the child would print it again
  const pid_t parent = ::getpid();
  // A signal that arrives before the child has left our handlers behind must still end it.
  sigset_t ending;
  sigset_t before;
  ::sigemptyset(&ending);
  ::sigaddset(&ending, SIGINT);
  ::sigaddset(&ending, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ending, &before);
  const pid_t id = ::fork();
  if (id == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
  const int error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  if (id < 0) fail("fork");
  return id;
}

}  // namespace

Child::Child(Child&& other) noexcept : id_(std::exchange(other.id_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    end();
    id_ = std::exchange(other.id_, -1);
  }
  return *this;
}

bool Child::running() {
  if (id_ < 0) return false;
  if (::waitpid(id_, nullptr, WNOHANG) == 0) return true;
  id_ = -1;
  return false;
}

void Child::end(int patience_ms) {
  if (id_ < 0) return;
  ::kill(id_, SIGTERM);
  constexpr int step_ms = 5;
  for (int waited = 0; running(); waited += step_ms) {
    if (waited > patience_ms) ::kill(id_, SIGKILL);
    ::poll(nullptr, 0, step_ms);
  }
}

Child start_program(const std::vector<std::string>& command, const std::string& log) {
  auto copies = command;
  std::vector<char*> arguments;
  arguments.reserve(copies.size() + 1);
  for (auto& copy : copies) arguments.push_back(copy.data());
  arguments.push_back(nullptr);
  const net::UniqueFd file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file) fail("cannot write " + log);
  const pid_t id = fork_or_throw();
  if (id == 0) {
    ::dup2(file.get(), STDOUT_FILENO);
    ::dup2(file.get(), STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    ::_exit(127);
  }
  return Child(id);
}

void end_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = note_interrupt;  // without SA_RESTART: waiting is to end
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void Channel::say(const std::string& line) {
  const std::string text = line + "\n";
  if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) fail("a part has ended");
}

std::string Channel::hear() {
  std::size_t end = 0;
  while ((end = rest_.find('\n')) == std::string::npos) {
    char bytes[256];
    const auto count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (interrupted != 0) throw std::runtime_error("interrupted");
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw std::runtime_error("a part of the bench has ended");
    rest_.append(bytes, static_cast<std::size_t>(count));
  }
  auto line = rest_.substr(0, end);
  rest_.erase(0, end + 1);
  if (line.rfind("error ", 0) == 0) throw std::runtime_error(line.substr(6));
  return line;
}

Part start_part(const std::function<void(Channel&)>& body) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) fail("socketpair");
  net::UniqueFd ours(pair[0]);
  net::UniqueFd theirs(pair[1]);
  const pid_t id = fork_or_throw();
  if (id > 0) return Part{Channel(std::move(ours)), Child(id)};
  ours.reset();
  Channel channel(std::move(theirs));
  int status = 0;
  try {
    body(channel);
  } catch (const std::exception& error) {
    status = 1;
    try {
      channel.say("error " + std::string(error.what()));
    } catch (const std::exception&) {
      status = 2;  // nobody listens any more
    }
  }
  // Without the destructors and buffers of the process it was copied from.
  ::_exit(status);
}

}  // namespace tidegate::bench
