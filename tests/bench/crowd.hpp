// WebSocket clients in one thread, as many as there are descriptors.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/link.hpp"

namespace tidegate::bench {

// Every call throws std::runtime_error when a handshake fails, a socket ends unasked or nothing moves for 20
// s.
class Crowd {
 public:
  // `tls`: they come by wss.
  explicit Crowd(std::uint16_t port, bool tls = false);

  // Opens `count` sockets, few at a time.
  void open(std::size_t count);
  // Sends `total` messages of `size` bytes over the open sockets and waits for their echoes; each socket has
  // `at_once` of them under way, which are sent together.
  void exchange(std::uint64_t total, std::size_t size, std::size_t at_once = 1);
  // Sends a short message over every other socket and waits for nothing.
  void speak();
  // Waits until the server has ended every socket; throws if one was ended without a word.
  void await_close();
  // Sends Close on every socket and waits for the server to end it.
  void close();
  // Gone without a Close frame: every other socket by RST.
  void vanish();
  // Opens and closes `total` sockets, `at_once` at a time.
  void come_and_go(std::uint64_t total, std::size_t at_once);

 private:
  enum class State : std::uint8_t { ended, connecting, handshaking, open, closing };
  struct Client {
    Link link;
    State state = State::ended;
    std::string head;          // of the answer to the handshake, while it is incomplete
    std::size_t sent = 0;      // bytes of what it says
    std::size_t received = 0;  // bytes since it was last asked for
  };

  void begin(std::size_t index);
  void turn(const std::function<void(std::size_t)>& moved);
  void advance(std::size_t index);
  void finish_connect(Client& client, std::size_t index);
  void read_answer(Client& client, std::string_view bytes);
  void watch(std::size_t index, std::uint32_t events, int operation);
  static void go_on(Client& client, std::string_view words);
  static void say_goodbye(Client& client);

  std::uint16_t port_;
  bool tls_;
  std::string request_;
  net::UniqueFd epoll_;
  std::vector<Client> clients_;
  std::array<char, 16 * 1024> scratch_{};
};

}  // namespace tidegate::bench
