#include "tests/bench/slow_clients.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/bench/child.hpp"
#include "tests/bench/loopback.hpp"

namespace tidegate::bench {
namespace {

constexpr int round_ms = 100;
constexpr std::size_t parts = 100;  // of a round: clients do not all move at once
constexpr int rounds_to_arrive = 15;

enum class Slowness : std::uint8_t { head, body, reading };

class SlowClient {
 public:
  SlowClient(std::uint16_t port, Slowness slowness) : port_(port), slowness_(slowness) {}

  // Its step of a round.
  void move() {
    if (!socket_) return arrive();
    const bool going = !begun_ ? begin() : slowness_ == Slowness::reading ? take_few() : give_byte();
    if (!going) socket_.reset();
  }

 private:
  void arrive() {
    socket_ = slowness_ == Slowness::reading ? begin_narrow_connect(port_) : begin_connect(port_);
    begun_ = false;
  }

  bool begin() {
    begun_ = true;
    switch (slowness_) {
      case Slowness::head: return give("GET / HTTP/1.1\r\nHost: x\r\nX: ");
      case Slowness::body: return give("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
      case Slowness::reading: return give("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    return false;
  }

  bool give_byte() { return give("x"); }

  bool give(std::string_view bytes) {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
  }

  bool take_few() {
    std::array<char, 256> few;
    const auto count = ::recv(socket_.get(), few.data(), few.size(), MSG_DONTWAIT);
    return count > 0 || (count < 0 && errno == EAGAIN);
  }

  std::uint16_t port_;
  Slowness slowness_;
  net::UniqueFd socket_;
  bool begun_ = false;
};

}  // namespace

void be_slow(Channel& channel, std::uint16_t port, std::size_t count) {
  std::vector<SlowClient> clients;
  for (std::size_t i = 0; i < count; ++i) clients.emplace_back(port, static_cast<Slowness>(i % 3));
  for (int round = 0;; ++round) {
    for (std::size_t part = 0; part < parts; ++part) {
      for (std::size_t i = part; i < clients.size(); i += parts) clients[i].move();
      ::poll(nullptr, 0, round_ms / static_cast<int>(parts));
    }
    if (round == rounds_to_arrive) channel.say("slow");
  }
}

}  // namespace tidegate::bench
