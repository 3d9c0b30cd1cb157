#include "tests/prove/ports.hpp"

#include <algorithm>
#include <fstream>
#include <random>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidegate::prove {

namespace {

constexpr int lowest_port = 6000;

int first_outgoing_port() {
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  int first = 32768;
  range >> first;
  return first;
}

bool is_free(std::uint16_t port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return bound;
}

}  // namespace

std::vector<std::uint16_t> free_ports(std::size_t count) {
  const int end = std::max(first_outgoing_port(), lowest_port + 1);
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> any(lowest_port, end - 1);
  std::vector<std::uint16_t> ports;
  for (int attempt = 0; attempt < 10'000 && ports.size() < count; ++attempt) {
    const auto port = static_cast<std::uint16_t>(any(random));
    if (std::find(ports.begin(), ports.end(), port) != ports.end()) continue;
    if (is_free(port)) ports.push_back(port);
  }
  if (ports.size() < count) throw std::runtime_error("no free ports on 127.0.0.1");
  return ports;
}

}  // namespace tidegate::prove
