#include "tests/bench/echo_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "wire/http/upgrade.hpp"

namespace tidegate::bench {
namespace {

constexpr std::size_t mask_size = 4;

struct Connection {
  bool upgraded = false;
  std::string unread;         // an incomplete head or frame
  std::size_t body_left = 0;  // of the request in progress; its answer follows the last byte
  std::string unsent;         // of a large answer
  bool blocked = false;       // the socket takes no more of it for now
};

constexpr std::string_view large_request = "GET /large ";
constexpr std::size_t large_answer_size = 512 * 1024;
constexpr std::string_view small_answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nOK\n";

std::string large_answer() {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large_answer_size) + "\r\n\r\n" +
         std::string(large_answer_size, 'x');
}

// The value of the handshake's key; proxies may write names in small letters.
std::string_view key_of(std::string_view head) {
  for (const std::string_view name : {"\r\nSec-WebSocket-Key:", "\r\nsec-websocket-key:"}) {
    const auto at = head.find(name);
    if (at == std::string_view::npos) continue;
    const auto begin = head.find_first_not_of(' ', at + name.size());
    return head.substr(begin, head.find('\r', begin) - begin);
  }
  return {};
}

std::size_t body_length_of(std::string_view head) {
  for (const std::string_view name : {"\r\nContent-Length:", "\r\ncontent-length:"}) {
    const auto at = head.find(name);
    if (at != std::string_view::npos) return std::strtoul(head.data() + at + name.size(), nullptr, 10);
  }
  return 0;
}

// Takes one masked frame from the front and makes its echo; empty if it is not complete. `close` tells
// whether it was a Close.
std::string echo_of(std::string_view& bytes, bool& close) {
  if (bytes.size() < 2) return {};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  std::size_t length = byte(1) & 0x7fU;
  std::size_t head = 2;
  if (length == 126) {
    if (bytes.size() < 4) return {};
    length = (static_cast<std::size_t>(byte(2)) << 8U) | byte(3);
    head = 4;
  } else if (length == 127) {
    throw std::runtime_error("the echo server takes messages up to 65535 bytes");
  }
  if (bytes.size() < head + mask_size + length) return {};
  std::string echo(bytes.substr(0, head));
  echo[1] = static_cast<char>(byte(1) & 0x7fU);
  for (std::size_t i = 0; i < length; ++i) {
    echo += static_cast<char>(bytes[head + mask_size + i] ^ bytes[head + i % mask_size]);
  }
  close = (byte(0) & 0x0fU) == 8;
  bytes.remove_prefix(head + mask_size + length);
  return echo;
}

class EchoServer {
 public:
  explicit EchoServer(int listening) : listening_(listening), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(listening_);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int socket = events[static_cast<std::size_t>(i)].data.fd;
        if (socket == listening_) {
          accept_all();
        } else if (!serve(socket)) {
          ::close(socket);
          connections_.erase(socket);
        }
      }
    }
  }

 private:
  void watch(int socket, std::uint32_t events = EPOLLIN, int operation = EPOLL_CTL_ADD) {
    epoll_event event{};
    event.events = events;
    event.data.fd = socket;
    ::epoll_ctl(epoll_.get(), operation, socket, &event);
  }

  void accept_all() {
    int socket = -1;
    while ((socket = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      connections_.try_emplace(socket);
      watch(socket);
    }
  }

  // False when the connection is over.
  bool serve(int socket) {
    auto& connection = connections_[socket];
    if (!connection.unsent.empty()) return send_on(socket, connection);
    const auto count = ::recv(socket, scratch_.data(), scratch_.size(), 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    std::string joined;
    std::string_view bytes(scratch_.data(), static_cast<std::size_t>(count));
    if (!connection.unread.empty()) {
      joined = std::move(connection.unread);
      joined += bytes;
      bytes = joined;
    }
    bool over = false;
    while (!over && !bytes.empty() && connection.unsent.empty()) {
      const auto before = bytes.size();
      connection.unsent = answer_of(connection, bytes, over);
      if (connection.unsent.empty()) {
        if (bytes.size() == before) break;
        continue;  // a head, with the body to come
      }
      if (!send_on(socket, connection)) return false;
    }
    connection.unread = bytes;
    return !over;
  }

  // False when the connection is over. While a rest is left nothing is read.
  bool send_on(int socket, Connection& connection) {
    auto& unsent = connection.unsent;
    const auto count = ::send(socket, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return false;
    unsent.erase(0, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (unsent.empty() == connection.blocked) {
      connection.blocked = !unsent.empty();
      watch(socket, connection.blocked ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    }
    return true;
  }

  static std::string answer_of(Connection& connection, std::string_view& bytes, bool& over) {
    if (connection.upgraded) return echo_of(bytes, over);
    if (connection.body_left > 0) {
      const auto taken = std::min(connection.body_left, bytes.size());
      bytes.remove_prefix(taken);
      connection.body_left -= taken;
      return connection.body_left == 0 ? std::string(small_answer) : std::string();
    }
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return {};
    const auto key = key_of(bytes.substr(0, end + 2));
    connection.body_left = body_length_of(bytes.substr(0, end));
    auto answer = bytes.starts_with(large_request) ? large_answer() : std::string(small_answer);
    if (!key.empty()) {
      const auto accept = http::accept_of(key);
      answer =
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
          "Upgrade\r\nSec-WebSocket-Accept: " +
          std::string(accept.data(), accept.size()) + "\r\n\r\n";
      connection.upgraded = true;
    }
    bytes.remove_prefix(end + 4);
    return connection.body_left == 0 ? answer : std::string();
  }

  int listening_;
  net::UniqueFd epoll_;
  std::unordered_map<int, Connection> connections_;
  std::array<char, 64 * 1024> scratch_{};
};

}  // namespace

void serve_echo(const net::UniqueFd& listening) {
  std::make_unique<EchoServer>(listening.get())->run();
}

}  // namespace tidegate::bench
