#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "tests/bench/benches.hpp"
#include "tests/bench/child.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/hop.hpp"
#include "tests/bench/loopback.hpp"
#include "tests/bench/requests.hpp"
#include "tests/bench/table.hpp"

namespace tidegate::bench {
namespace {

constexpr std::size_t kSlow = 2'000;
constexpr std::size_t kGood = 200;
constexpr std::uint64_t kRequests = 40'000;
constexpr int kDripMs = 100;

// A client that gives a byte of its request every tenth of a second: of the head, or of a long body behind
// one.
class Dripper {
 public:
  Dripper(std::uint16_t port, bool body) : port_(port), body_(body) {}

  void drip() {
    if (!socket_) {
      socket_ = begin_connect(port_);
      sent_ = 0;
      return;
    }
    const std::string_view head = body_ ? "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
                                        : "GET / HTTP/1.1\r\nHost: x\r\nX: ";
    const bool whole = body_ && sent_ == 0;
    const auto next = whole ? head : head.substr(std::min(sent_, head.size() - 1), 1);
    const auto count = ::send(socket_.get(), next.data(), next.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent_ += static_cast<std::size_t>(count);
    std::array<char, 1024> scratch;
    const auto read = ::recv(socket_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (read == 0 || (read < 0 && errno != EAGAIN)) socket_.reset();  // it has been seen through: once more
  }

 private:
  std::uint16_t port_;
  bool body_;
  net::UniqueFd socket_;
  std::size_t sent_ = 0;
};

// Until the process is ended.
[[noreturn]] void drip_on(Channel& channel, std::uint16_t port) {
  std::vector<Dripper> clients;
  for (std::size_t i = 0; i < kSlow; ++i) clients.emplace_back(port, i % 2 == 1);
  for (int round = 0;; ++round) {
    // A tenth of them at a time, so that they do not all come at once.
    for (std::size_t part = 0; part < 10; ++part) {
      for (std::size_t i = part; i < clients.size(); i += 10) clients[i].drip();
      ::poll(nullptr, 0, kDripMs / 10);
    }
    if (round == 20) channel.say("dripping");
  }
}

std::string milliseconds(const std::vector<std::chrono::nanoseconds>& sorted, double share) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return number(std::chrono::duration<double, std::milli>(sorted[at]).count(), 2);
}

void add_row(Table& table, const std::string& what, std::uint16_t port) {
  auto times = time_requests(port, kGood, kRequests);
  std::sort(times.begin(), times.end());
  table.add({what, milliseconds(times, 0.5), milliseconds(times, 0.99), milliseconds(times, 1.0)});
}

}  // namespace

void measure_slow(const Options& options) {
  std::printf("%zu good clients, %llu requests, alone and beside %zu that give a byte every %d ms\n", kGood,
              static_cast<unsigned long long>(kRequests), kSlow, kDripMs);
  const auto listening = listen_on_free_port();
  const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
  Table table({"", "p50, ms", "p99, ms", "max, ms"});
  for (const auto kind : {Kind::tidegate, Kind::nginx, Kind::haproxy}) {
    const auto hop = Hop::start(kind, options, listening.port);
    if (!hop) continue;
    const std::string name = name_of(kind);
    (void)time_requests(hop->port(), kGood, kRequests / 10);  // so that it has its connections to the server
    add_row(table, name + " undisturbed", hop->port());
    auto slow = start_part([&](Channel& channel) { drip_on(channel, hop->port()); });
    (void)slow.channel.hear();
    add_row(table, name + " beside the slow", hop->port());
  }
  std::printf("%s", table.text().c_str());
}

}  // namespace tidegate::bench
