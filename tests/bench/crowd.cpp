#include "tests/bench/crowd.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include <sys/epoll.h>

#include "tests/bench/loopback.hpp"

namespace tidegate::bench {
namespace {

constexpr std::size_t opening_at_once = 200;
constexpr int patience_ms = 20'000;
constexpr std::size_t mask_size = 4;
// Of a long message: so much may be under way, that no buffer between client and server fills up for good.
constexpr std::size_t piece_size = 64 * 1024;

// A client's frame with an all-zero mask, which leaves the payload as it is (RFC 6455 5.3).
std::string frame(unsigned opcode, const std::string& payload) {
  std::string bytes{static_cast<char>(0x80U | opcode)};
  const auto size = payload.size();
  const unsigned extended = size < 126 ? 0 : size < 65'536 ? 2 : 8;  // bytes of its length (RFC 6455 5.2)
  bytes += static_cast<char>(0x80U | (extended == 0 ? size : extended == 2 ? 126U : 127U));
  for (auto left = extended; left > 0; --left) bytes += static_cast<char>(size >> (8 * (left - 1)));
  return bytes.append(mask_size, '\0').append(payload);
}

}  // namespace

Crowd::Crowd(std::uint16_t port, bool tls)
    : port_(port),
      tls_(tls),
      request_("GET /app/bench HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
               "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://app.example.com\r\n"
               "User-Agent: tidegate-bench\r\n\r\n"),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

void Crowd::watch(std::size_t index, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = index;
  ::epoll_ctl(epoll_.get(), operation, clients_[index].link.descriptor(), &event);
}

void Crowd::begin(std::size_t index) {
  auto& client = clients_[index];
  client = Client{Link::begin(port_, tls_), State::connecting, {}, 0, 0};
  watch(index, EPOLLOUT, EPOLL_CTL_ADD);
}

void Crowd::turn(const std::function<void(std::size_t)>& moved) {
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), patience_ms);
  if (count < 0 && errno == EINTR) return;
  if (count <= 0) throw std::runtime_error("clients: nothing has moved for 20 s");
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
    advance(index);
    moved(index);
  }
}

void Crowd::advance(std::size_t index) {
  auto& client = clients_[index];
  if (client.state == State::connecting) return finish_connect(client, index);
  const auto count = client.link.receive(scratch_);
  if (count < 0 && errno == EAGAIN) return;
  if (count > 0) {
    const std::string_view bytes(scratch_.data(), static_cast<std::size_t>(count));
    if (client.state == State::handshaking) return read_answer(client, bytes);
    client.received += bytes.size();
    return;
  }
  if (client.state != State::closing)
    throw std::runtime_error("clients: a socket was ended by the other side");
  client.link = {};
  client.state = State::ended;
}

void Crowd::finish_connect(Client& client, std::size_t index) {
  const bool open = client.link.open();
  watch(index, client.link.awaited(), EPOLL_CTL_MOD);
  if (!open) return;
  client.state = State::handshaking;
  if (!client.link.send(request_)) throw std::runtime_error("clients: reset in the handshake");
}

void Crowd::read_answer(Client& client, std::string_view bytes) {
  client.head += bytes;
  if (client.head.find("\r\n\r\n") == std::string::npos) return;
  if (client.head.rfind("HTTP/1.1 101", 0) != 0) {
    throw std::runtime_error("clients: " + client.head.substr(0, client.head.find('\r')));
  }
  std::string().swap(client.head);
  client.state = State::open;
}

void Crowd::open(std::size_t count) {
  const auto first = clients_.size();
  const auto total = first + count;
  clients_.resize(total);
  auto next = first;
  auto open = first;
  while (open < total) {
    while (next < total && next - open < opening_at_once) begin(next++);
    turn([&](std::size_t index) { open += clients_[index].state == State::open ? 1 : 0; });
  }
}

void Crowd::exchange(std::uint64_t total, std::size_t size, std::size_t at_once) {
  const auto message = frame(2, std::string(size, 'x'));
  std::string words;
  for (std::size_t i = 0; i < at_once; ++i) words += message;
  const auto echo_size = words.size() - at_once * mask_size;
  std::uint64_t asked = 0;
  std::uint64_t echoed = 0;
  const auto ask = [&](Client& client) {
    if (asked >= total) return;
    asked += at_once;
    client.sent = client.received = 0;
    go_on(client, words);
  };
  for (auto& client : clients_) ask(client);
  while (echoed < asked) {
    turn([&](std::size_t index) {
      auto& client = clients_[index];
      if (client.received < echo_size) return go_on(client, words);
      echoed += at_once;
      ask(client);
    });
  }
}

void Crowd::go_on(Client& client, std::string_view words) {
  while (client.sent < words.size() && client.sent < client.received + piece_size) {
    const auto piece = words.substr(client.sent, piece_size);
    if (!client.link.send(piece)) throw std::runtime_error("clients: a socket was reset");
    client.sent += piece.size();
  }
}

void Crowd::say_goodbye(Client& client) {
  constexpr unsigned close_opcode = 8;
  client.state = State::closing;
  if (!client.link.send(frame(close_opcode, "\x03\xe8"))) {
    throw std::runtime_error("clients: a socket was reset");
  }
}

void Crowd::close() {
  std::size_t left = clients_.size();
  for (auto& client : clients_) say_goodbye(client);
  while (left > 0) {
    turn([&](std::size_t index) { left -= clients_[index].state == State::ended ? 1U : 0U; });
  }
  clients_.clear();
}

void Crowd::speak() {
  const auto message = frame(1, "hello");
  for (std::size_t i = 0; i < clients_.size(); i += 2) {
    if (!clients_[i].link.send(message)) throw std::runtime_error("clients: a socket was reset");
  }
}

void Crowd::await_close() {
  std::size_t left = clients_.size();
  for (auto& client : clients_) {
    client.state = State::closing;
    client.received = 0;
  }
  while (left > 0) {
    turn([&](std::size_t index) { left -= clients_[index].state == State::ended ? 1U : 0U; });
  }
  for (const auto& client : clients_) {
    if (client.received == 0) throw std::runtime_error("clients: a socket was ended without a Close");
  }
  clients_.clear();
}

void Crowd::vanish() {
  for (std::size_t i = 0; i < clients_.size(); i += 2) reset_on_close(clients_[i].link.descriptor());
  clients_.clear();
}

void Crowd::come_and_go(std::uint64_t total, std::size_t at_once) {
  clients_.resize(std::min<std::size_t>(at_once, total));
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  for (; begun < clients_.size(); ++begun) begin(begun);
  while (ended < total) {
    turn([&](std::size_t index) {
      auto& client = clients_[index];
      if (client.state == State::open) say_goodbye(client);
      if (client.state != State::ended) return;
      ++ended;
      if (begun < total) begin(index), ++begun;
    });
  }
  clients_.clear();
}

}  // namespace tidegate::bench
