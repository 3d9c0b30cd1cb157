#include "gateway/process/service_notifier.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include <spdlog/logger.h>
#include <sys/socket.h>

namespace tidegate::gateway {
namespace {

constexpr std::chrono::microseconds kBeat{1'000'000};
constexpr std::chrono::microseconds kShortestBeat{1'000};
constexpr std::size_t kMostUnsent = 32;
// systemd takes 4096 bytes a message (NOTIFY_BUFFER_MAX); a person reads less.
constexpr std::size_t kMostStatus = 1024;

// Not by way of steady_clock, whose origin no standard fixes.
std::string monotonic_microseconds() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000);
}

}  // namespace

std::string status_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "; ";
    } else {
      line += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
  }
  if (line.size() <= kMostStatus) return line;
  constexpr std::string_view more = "...";
  auto end = kMostStatus - more.size();
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  return line.substr(0, end).append(more);
}

ServiceNotifier::ServiceNotifier(boost::asio::io_context& context, const NotifyTarget& target,
                                 std::shared_ptr<spdlog::logger> log, Status status)
    : target_(target), log_(std::move(log)), status_(std::move(status)), timer_(context) {
  if (!target_.socket) return;
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) log_->warn("the service manager cannot be told anything: {}", net::last_error().message());
}

void ServiceNotifier::ready() {
  if (!socket_ || silent_) return;
  if (!stopping_) announce("READY=1");
  if (beating_) return;
  beating_ = true;
  beat();
}

// systemd takes only a reload for the one it asked for that began after it asked.
void ServiceNotifier::reloading() {
  if (stopping_ || !socket_) return;
  send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_microseconds());
}

void ServiceNotifier::stopping() {
  if (stopping_ || !socket_) return;
  stopping_ = true;
  announce("STOPPING=1");
}

void ServiceNotifier::hand_over(pid_t successor) {
  send("MAINPID=" + std::to_string(successor));
  silent_ = true;
}

void ServiceNotifier::announce(std::string_view state) {
  last_status_ = status_line(status_());
  send(std::string(state) + "\nSTATUS=" + last_status_);
}

void ServiceNotifier::send(std::string message) {
  if (!socket_ || silent_) return;
  if (unsent_.size() >= kMostUnsent) unsent_.pop_front();  // nobody has read for a long time
  unsent_.push_back(std::move(message));
  flush();
}

// Never waits: control does not stand still because somebody else does.
void ServiceNotifier::flush() {
  while (!unsent_.empty()) {
    const auto& message = unsent_.front();
    const auto sent = ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                               target_.socket->data(), target_.socket->size());
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) return;
    if (sent < 0 && !failing_)
      log_->warn("the service manager at {} cannot be told: {}", target_.socket->text(),
                 net::last_error().message());
    failing_ = sent < 0;
    unsent_.pop_front();
  }
}

// Once a second, or as often as the watchdog wants it.
void ServiceNotifier::beat() {
  schedule();
  flush();
  if (!unsent_.empty()) return;  // nobody reads: what matters more waits already
  const auto now = std::chrono::steady_clock::now();
  if (target_.watchdog.count() > 0 && now >= next_sign_) {
    next_sign_ = now + target_.watchdog / 3;
    send("WATCHDOG=1");
  }
  auto status = status_line(status_());
  if (status == last_status_) return;
  last_status_ = std::move(status);
  send("STATUS=" + last_status_);
}

void ServiceNotifier::schedule() {
  const auto often = target_.watchdog.count() > 0 ? std::min(kBeat, target_.watchdog / 3) : kBeat;
  timer_.expires_after(std::max(often, kShortestBeat));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (!silent_) return beat();
    flush();
    if (!unsent_.empty()) schedule();
  });
}

}  // namespace tidegate::gateway
