#include "tests/fuzz/script.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/fuzz/target.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::fuzz {
namespace {

constexpr char kMark = '\x1e';
constexpr std::size_t kMostSteps = 16;

}  // namespace

std::vector<Step> steps_of(std::string_view input) {
  std::vector<Step> steps;
  const auto first = std::min(input.find(kMark), input.size());
  if (first > 0) steps.push_back({'c', input.substr(0, first)});
  input.remove_prefix(first);
  while (input.size() >= 2 && steps.size() < kMostSteps) {
    const char what = input[1];
    input.remove_prefix(2);
    const auto end = std::min(input.find(kMark), input.size());
    if (std::string_view("cpCPRX").find(what) != std::string_view::npos)
      steps.push_back({what, input.substr(0, end)});
    input.remove_prefix(end);
  }
  return steps;
}

// === End ===

void End::send(std::string_view bytes) {
  if (!socket_ || bytes.empty()) return;
  // What does not fit into the socket is left out: the peer does not read, and that is part of the script.
  const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count > 0) sent_.append(bytes.substr(0, static_cast<std::size_t>(count)));
}

void End::half_close() {
  if (socket_) ::shutdown(socket_.get(), SHUT_WR);
}

void End::reset() {
  if (!socket_) return;
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_.reset();
}

void End::read() {
  std::array<char, 16 * 1024> block;
  while (socket_) {
    const auto count = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (count <= 0) return;
    received_.append(block.data(), static_cast<std::size_t>(count));
  }
}

// === Pod ===

Pod::Pod() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  const auto any = net::SocketAddress::from_ip("127.0.0.1", 0);
  require(any && ::bind(listener_.get(), any->data(), any->size()) == 0, "bind");
  require(::listen(listener_.get(), 64) == 0, "listen");
  port_ = net::SocketAddress::local_of(listener_.get()).port();
}

void Pod::look() {
  for (;;) {
    net::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) break;
    ends_.emplace_back(std::move(socket));
  }
  for (auto& end : ends_) end.read();
}

End connect_to(std::uint16_t port) {
  const auto address = net::SocketAddress::from_ip("127.0.0.1", port);
  // Thousands of connections in a second can use up the ports; those that have ended give theirs back.
  constexpr int turns = 1000;
  for (int turn = 0; turn < turns; ++turn) {
    net::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), address->data(), address->size()) == 0) return End(std::move(socket));
    require(errno == EADDRNOTAVAIL, std::strerror(errno));
    ::poll(nullptr, 0, 10);
  }
  require(false, "a port to connect from");
  return End({});
}

int lowest_free_descriptor() {
  const net::UniqueFd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return lowest.get();
}

}  // namespace tidegate::fuzz
