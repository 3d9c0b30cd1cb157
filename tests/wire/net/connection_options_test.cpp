#include "wire/net/connection_options.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tests/support/catch.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;
using namespace std::chrono_literals;

namespace {

int option_of(const UniqueFd& socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  require(::getsockopt(socket.get(), level, option, &value, &size) == 0, "getsockopt");
  return value;
}

void check_options(const UniqueFd& socket) {
  CHECK(option_of(socket, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 7);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 3);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPCNT) == 4);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 20'000);
}

constexpr ConnectionOptions odd{7s, 3s, 4, 20s};

}  // namespace

TEST_CASE("bytes may stay unacknowledged as long as a peer may be silent, or stalled if that is longer") {
  struct Row {
    ConnectionOptions options;
    std::chrono::milliseconds time;
  };
  const Row rows[] = {
      {{}, 120s},
      {{1s, 1s, 2, 0s}, 3s},
      {{1s, 1s, 2, 60s}, 60s},
      {{60s, 10s, 6, 60s}, 120s},
      {{32'767s, 32'767s, 127, 0s}, 2'147'483'647ms},  // the kernel's int
      {{1s, 1s, 1, std::chrono::hours(24 * 365)}, 2'147'483'647ms},
  };
  for (const auto& row : rows) CHECK(unacknowledged_time(row.options) == row.time);
}

TEST_CASE("accepted sockets have the options of the listening one, without a call for each") {
  for (const char* host : {"127.0.0.1", "::1"}) {
    const auto at = *SocketAddress::from_ip(host, 0);
    if (!family_available(at.family())) continue;
    CAPTURE(host);
    const auto listener = open_listener(at, 16, PortSharing::exclusive, odd);
    REQUIRE(listener.has_value());
    const auto client = dial(SocketAddress::local_of(listener->get()));
    const auto accepted = accept_from(*listener);
    check_options(accepted);
    const auto second = open_listener(SocketAddress::local_of(listener->get()), 16, PortSharing::shared, odd);
    REQUIRE(second.has_value());
    check_options(*second);
  }
}

TEST_CASE("connecting sockets have the options") {
  const auto listener = listen_here();
  const auto socket = start_connect(SocketAddress::local_of(listener.get()), odd);
  REQUIRE(socket.has_value());
  check_options(*socket);
}

TEST_CASE("the kernel takes the bounds of the options") {
  for (const auto& options :
       {ConnectionOptions{1s, 1s, 1, 0s}, ConnectionOptions{32'767s, 32'767s, 127, 0s}}) {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_connection_options(socket.get(), options);
    CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE) == options.idle.count());
    CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL) == options.interval.count());
    CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPCNT) == options.probes);
    CHECK(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == unacknowledged_time(options).count());
  }
}
