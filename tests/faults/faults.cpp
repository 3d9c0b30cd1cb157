#include "tests/faults/faults.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <unordered_map>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tidegate::test {
namespace {

struct Watched {
  int epoll = -1;
  epoll_event event{};
};

thread_local bool suffers = false;
thread_local std::unordered_map<int, Watched> watched;  // the thread's descriptors, as given to epoll_ctl

struct Shared {
  std::mutex mutex;
  FaultPlan plan;
  std::array<int, kCalls> calls{};
  std::uint64_t random = 1;
};
Shared shared;
std::atomic<bool> active{false};
std::atomic<int> happened{0};

std::uint64_t next_random() {
  shared.random ^= shared.random << 13;
  shared.random ^= shared.random >> 7;
  shared.random ^= shared.random << 17;
  return shared.random;
}

void arm_again(int fd) {
  const auto found = watched.find(fd);
  if (found == watched.end()) return;
  auto event = found->second.event;
  ::syscall(SYS_epoll_ctl, found->second.epoll, EPOLL_CTL_MOD, fd, &event);
}

// The error with which the call fails, 0 for none. A call that moves bytes may be cut short.
int strike(Call call, int fd, std::size_t* size = nullptr) {
  if (!suffers || !active) return 0;
  const std::lock_guard lock(shared.mutex);
  const auto& plan = shared.plan;
  const int number = ++shared.calls[static_cast<std::size_t>(call)];
  if (plan.call == call && plan.nth == number) {
    ++happened;
    if (plan.error == EAGAIN || plan.error == EINTR) arm_again(fd);
    return plan.error;
  }
  if (size == nullptr || plan.storm_one_in == 0 || next_random() % plan.storm_one_in != 0) return 0;
  ++happened;
  arm_again(fd);
  switch (next_random() % 3) {
    case 0: return EINTR;
    case 1: return EAGAIN;
    default:
      if (*size > 1) *size = 1 + next_random() % (*size - 1);
      return 0;
  }
}

bool fails(int error) {
  if (error != 0) errno = error;
  return error != 0;
}

}  // namespace

std::string_view name_of(Call call) {
  constexpr std::array<std::string_view, kCalls> names{
      "recv", "send", "sendmsg", "accept4", "connect", "socket", "epoll_wait", "read", "write"};
  return names[static_cast<std::size_t>(call)];
}

void suffer_faults() {
  suffers = true;
}

Faults::Faults(const FaultPlan& plan) {
  const std::lock_guard lock(shared.mutex);
  shared.plan = plan;
  shared.calls = {};
  shared.random = 0x9e3779b97f4a7c15;
  happened = 0;
  active = true;
}

Faults::~Faults() {
  active = false;
}

int Faults::count() {
  return happened;
}

std::size_t descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

}  // namespace tidegate::test

// === the calls themselves ===

using tidegate::test::Call;
using tidegate::test::fails;
using tidegate::test::strike;

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): names that the linker asks for
extern "C" {

ssize_t __real_recv(int fd, void* into, std::size_t size, int flags);
ssize_t __wrap_recv(int fd, void* into, std::size_t size, int flags);
ssize_t __wrap_recv(int fd, void* into, std::size_t size, int flags) {
  const bool looks = (flags & MSG_PEEK) != 0;  // whether a connection is quiet: a lie would be believed
  if (!looks && fails(strike(Call::recv, fd, &size))) return -1;
  return __real_recv(fd, into, size, flags);
}

ssize_t __real_send(int fd, const void* from, std::size_t size, int flags);
ssize_t __wrap_send(int fd, const void* from, std::size_t size, int flags);
ssize_t __wrap_send(int fd, const void* from, std::size_t size, int flags) {
  return fails(strike(Call::send, fd, &size)) ? -1 : __real_send(fd, from, size, flags);
}

ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) total += message->msg_iov[i].iov_len;
  auto allowed = total;
  if (fails(strike(Call::sendmsg, fd, &allowed))) return -1;
  if (allowed == total || message->msg_iovlen == 0) return __real_sendmsg(fd, message, flags);
  const auto& first = message->msg_iov[0];
  return __real_send(fd, first.iov_base, std::min(allowed, first.iov_len), flags);
}

int __real_accept4(int fd, sockaddr* peer, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* peer, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* peer, socklen_t* size, int flags) {
  return fails(strike(Call::accept, fd)) ? -1 : __real_accept4(fd, peer, size, flags);
}

int __real_connect(int fd, const sockaddr* to, socklen_t size);
int __wrap_connect(int fd, const sockaddr* to, socklen_t size);
int __wrap_connect(int fd, const sockaddr* to, socklen_t size) {
  return fails(strike(Call::connect, fd)) ? -1 : __real_connect(fd, to, size);
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol) {
  return fails(strike(Call::socket, -1)) ? -1 : __real_socket(family, type, protocol);
}

int __real_epoll_wait(int epoll, epoll_event* events, int most, int timeout);
int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout);
int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  return fails(strike(Call::epoll_wait, epoll)) ? -1 : __real_epoll_wait(epoll, events, most, timeout);
}

int __real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_ADD) tidegate::test::watched[fd] = {epoll, *event};
  return __real_epoll_ctl(epoll, operation, fd, event);
}

// libcrypto is a shared library, out of the linker's reach; but the program's symbols come before libc's.
ssize_t read(int fd, void* into, std::size_t size) {
  const bool socket = tidegate::test::suffers && tidegate::test::watched.count(fd) > 0;
  if (socket && fails(strike(Call::read, fd, &size))) return -1;
  return ::syscall(SYS_read, fd, into, size);
}

ssize_t write(int fd, const void* from, std::size_t size) {
  const bool socket = tidegate::test::suffers && tidegate::test::watched.count(fd) > 0;
  if (socket && fails(strike(Call::write, fd, &size))) return -1;
  return ::syscall(SYS_write, fd, from, size);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
