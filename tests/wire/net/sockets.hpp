// Connected sockets for tests: one end as a Stream of a loop, the other as a plain blocking socket.
#pragma once

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/net/socket_address.hpp"
#include "wire/net/stream.hpp"

namespace tidegate::tests {

struct Pair {
  std::unique_ptr<net::Stream> stream;
  net::UniqueFd peer;  // blocking
};

inline void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

inline void make_non_blocking(int socket) {
  require(::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK) == 0, "fcntl");
}

inline std::unique_ptr<net::Stream> adopt(net::EventLoop& loop, net::UniqueFd socket) {
  make_non_blocking(socket.get());
  net::error_code error;
  auto stream = net::Stream::adopt(loop, std::move(socket), error);
  require(stream != nullptr, "adopt");
  return stream;
}

inline Pair unix_pair(net::EventLoop& loop) {
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair");
  net::UniqueFd near(ends[0]);
  net::UniqueFd far(ends[1]);
  return {adopt(loop, std::move(near)), std::move(far)};
}

inline net::UniqueFd listen_here() {
  auto listener =
      net::open_listener(*net::SocketAddress::from_ip("127.0.0.1", 0), 16, net::PortSharing::exclusive);
  require(listener.has_value(), "listen");
  return std::move(*listener);
}

// A blocking socket connected to `to`.
inline net::UniqueFd dial(const net::SocketAddress& to) {
  net::UniqueFd socket(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  require(::connect(socket.get(), to.data(), to.size()) == 0, "connect");
  return socket;
}

inline net::UniqueFd accept_from(const net::UniqueFd& listener) {
  pollfd ready{listener.get(), POLLIN, 0};
  require(::poll(&ready, 1, 10'000) == 1, "nobody connects");
  return net::UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

inline Pair tcp_pair(net::EventLoop& loop) {
  const auto listener = listen_here();
  auto near = dial(net::SocketAddress::local_of(listener.get()));
  auto far = accept_from(listener);
  return {adopt(loop, std::move(near)), std::move(far)};
}

inline void say(const net::UniqueFd& socket, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    require(sent > 0, "send");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// What is there, up to `most` bytes; waits for the first of them. Empty at the end.
inline std::string hear(const net::UniqueFd& socket, std::size_t most = 65536) {
  std::string text(most, '\0');
  const auto size = ::recv(socket.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

// The close that follows sends RST.
inline void abort_connection(net::UniqueFd& socket) {
  const linger abort{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  socket.reset();
}

}  // namespace tidegate::tests
