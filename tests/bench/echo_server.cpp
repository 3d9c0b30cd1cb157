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

// Of the frame in progress.
struct Payload {
  std::uint64_t left = 0;    // bytes to come
  std::uint64_t passed = 0;  // bytes that came
  std::array<char, mask_size> mask{};
  bool closes = false;  // it is a Close
};

struct Connection {
  bool upgraded = false;
  Payload payload;
  std::string unread;         // an incomplete head
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

// Takes the head of a client's frame from the front and makes that of its echo; empty if it is not complete.
std::string echo_head_of(std::string_view& bytes, Payload& payload) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return {};
  const auto length = byte(1) & 0x7fU;
  const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  const auto head = 2 + extended;
  if (bytes.size() < head + mask_size) return {};
  payload.left = extended == 0 ? length : 0;
  for (std::size_t i = 2; i < head; ++i) payload.left = (payload.left << 8U) | byte(i);
  bytes.copy(payload.mask.data(), mask_size, head);
  payload.passed = 0;
  payload.closes = (byte(0) & 0x0fU) == 8;
  std::string echo(bytes.substr(0, head));
  echo[1] = static_cast<char>(length);
  bytes.remove_prefix(head + mask_size);
  return echo;
}

// Takes what there is of a payload from the front and adds it, without its mask, to the echo.
void echo_payload(std::string_view& bytes, Payload& payload, std::string& echo) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(payload.left, bytes.size()));
  const auto at = echo.size();
  echo += bytes.substr(0, count);
  for (std::size_t i = 0; i < count; ++i) echo[at + i] ^= payload.mask[(payload.passed + i) % mask_size];
  payload.left -= count;
  payload.passed += count;
  bytes.remove_prefix(count);
}

// `over` tells whether a Close has been answered.
std::string echo_of(Payload& payload, std::string_view& bytes, bool& over) {
  std::string echo;
  if (payload.left == 0) {
    echo = echo_head_of(bytes, payload);
    if (echo.empty()) return echo;
  }
  echo_payload(bytes, payload, echo);
  over = payload.closes && payload.left == 0;
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
    // What came together is answered together.
    for (std::size_t before = 0; !over && !bytes.empty() && bytes.size() != before;) {
      before = bytes.size();
      connection.unsent += answer_of(connection, bytes, over);
    }
    connection.unread = bytes;
    return (connection.unsent.empty() || send_on(socket, connection)) && !over;
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
    if (connection.upgraded) return echo_of(connection.payload, bytes, over);
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
