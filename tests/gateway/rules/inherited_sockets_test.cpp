// Sockets that somebody else opened, and the variables that speak of them.
#include "gateway/process/inherited_sockets.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/process/started_with.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tidegate;
using gateway::InheritedSockets;

namespace {

net::SocketAddress ip(const std::string& host, std::uint16_t port = 0) {
  return *net::SocketAddress::from_ip(host, port);
}

net::UniqueFd bound(const net::SocketAddress& at, int type = SOCK_STREAM) {
  net::UniqueFd socket(::socket(at.family(), type, 0));
  REQUIRE(::bind(socket.get(), at.data(), at.size()) == 0);
  return socket;
}

// As systemd hands it over: blocking, and open over an exec.
net::UniqueFd listening(const net::SocketAddress& at, int type = SOCK_STREAM) {
  auto socket = bound(at, type);
  REQUIRE(::listen(socket.get(), 8) == 0);
  return socket;
}

net::SocketAddress address_of(const net::UniqueFd& socket) {
  return net::SocketAddress::local_of(socket.get());
}

void expect_taken(InheritedSockets& sockets, net::UniqueFd socket, bool lent) {
  const auto fault = sockets.add(std::move(socket), lent);
  CHECK(fault.empty());
}

// The same socket by another number.
bool same(int one, int other) {
  struct stat a {};
  struct stat b {};
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_ino == b.st_ino;
}

}  // namespace

TEST_CASE("what is no listening stream socket is refused by name") {
  InheritedSockets sockets;
  test::TemporaryFolder folder;
  CHECK(sockets.add(net::UniqueFd(::open("/dev/null", O_RDONLY)), true) == "no socket");
  auto udp = bound(ip("127.0.0.1"), SOCK_DGRAM);
  const auto port = std::to_string(address_of(udp).port());
  const auto datagrams = sockets.add(std::move(udp), true);
  CHECK(datagrams == "127.0.0.1:" + port + ", which is no stream socket");
  auto deaf = bound(ip("127.0.0.1"));
  const auto silent = sockets.add(std::move(deaf), true);
  CHECK(silent.find("does not listen") != std::string::npos);
  auto packets = listening(*net::SocketAddress::from_path(folder.file("packets")), SOCK_SEQPACKET);
  const auto sequenced = sockets.add(std::move(packets), true);
  CHECK(sequenced == "unix:" + folder.file("packets") + ", which is no stream socket");
  CHECK(sockets.add(net::UniqueFd(::socket(AF_NETLINK, SOCK_RAW, 0)), true)
            .starts_with("a socket of address family"));
  CHECK(sockets.close_unclaimed().empty());
}

TEST_CASE("a socket is found by its exact address, and neither blocks nor outlives an exec") {
  auto socket = listening(ip("127.0.0.1"));
  const auto at = address_of(socket);
  const int number = socket.get();
  InheritedSockets sockets;
  expect_taken(sockets, std::move(socket), false);
  CHECK(sockets.take(ip("127.0.0.2", at.port()))->sockets.empty());
  CHECK(sockets.take(ip("0.0.0.0", at.port()))->sockets.empty());
  CHECK(sockets.take(ip("127.0.0.1", 1))->sockets.empty());

  const auto found = sockets.take(at);
  REQUIRE(found->sockets.size() == 1);
  CHECK(found->sockets[0].get() == number);
  CHECK_FALSE(found->lent);
  CHECK((::fcntl(number, F_GETFL) & O_NONBLOCK) != 0);
  CHECK(::fcntl(number, F_GETFD) == FD_CLOEXEC);
  CHECK(sockets.take(at)->sockets.empty());  // handed out for good
}

TEST_CASE("a lent socket is given as a copy, as often as it is wanted") {
  test::TemporaryFolder folder;
  const auto at = *net::SocketAddress::from_path(folder.file("socket"));
  auto socket = listening(at);
  const int number = socket.get();
  InheritedSockets sockets;
  expect_taken(sockets, std::move(socket), true);
  for (int i = 0; i < 2; ++i) {
    const auto found = sockets.take(at);
    REQUIRE(found->sockets.size() == 1);
    CHECK(found->lent);
    CHECK(found->sockets[0].get() != number);
    CHECK(same(found->sockets[0].get(), number));
    CHECK((::fcntl(found->sockets[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(sockets.close_unclaimed().empty());
  CHECK(sockets.take(at)->sockets.size() == 1);
}

TEST_CASE("several at one address come together, and what nobody took is closed by name") {
  const int on = 1;
  InheritedSockets sockets;
  net::UniqueFd first(::socket(AF_INET, SOCK_STREAM, 0));
  ::setsockopt(first.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  REQUIRE(::bind(first.get(), ip("127.0.0.1").data(), ip("127.0.0.1").size()) == 0);
  REQUIRE(::listen(first.get(), 8) == 0);
  const auto at = address_of(first);
  net::UniqueFd second(::socket(AF_INET, SOCK_STREAM, 0));
  ::setsockopt(second.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  REQUIRE(::bind(second.get(), at.data(), at.size()) == 0);
  REQUIRE(::listen(second.get(), 8) == 0);
  auto other = listening(ip("127.0.0.1"));
  const auto unwanted = address_of(other);
  const int number = other.get();

  expect_taken(sockets, std::move(first), false);
  expect_taken(sockets, std::move(other), true);
  expect_taken(sockets, std::move(second), false);
  CHECK(sockets.take(at)->sockets.size() == 2);
  CHECK(sockets.close_unclaimed() == std::vector{unwanted.text()});
  CHECK(::fcntl(number, F_GETFD) < 0);
  CHECK(sockets.take(unwanted)->sockets.empty());
}

TEST_CASE("a socket for all IPv6 addresses may have the port of IPv4 as well") {
  if (!net::family_available(AF_INET6)) return;
  for (const bool only : {false, true}) {
    CAPTURE(only);
    const int value = only ? 1 : 0;
    net::UniqueFd socket(::socket(AF_INET6, SOCK_STREAM, 0));
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value);
    REQUIRE(::bind(socket.get(), ip("::").data(), ip("::").size()) == 0);
    REQUIRE(::listen(socket.get(), 8) == 0);
    const auto port = address_of(socket).port();
    InheritedSockets sockets;
    expect_taken(sockets, std::move(socket), true);
    CHECK(sockets.take_ipv4(ip("0.0.0.0", port)) == !only);
    CHECK(sockets.take_ipv4(ip("127.0.0.1", port)) == !only);
    CHECK_FALSE(sockets.take_ipv4(ip("0.0.0.0", 1)));
    CHECK_FALSE(sockets.take_ipv4(ip("::", port)));
  }
}

TEST_CASE("LISTEN_PID and LISTEN_FDS") {
  using gateway::sockets_handed_over;
  CHECK(sockets_handed_over("17", "2", 17) == 2);
  CHECK(sockets_handed_over("17", "2", 18) == 0);
  CHECK(sockets_handed_over("17", "0", 17) == 0);
  CHECK(sockets_handed_over(nullptr, "2", 17) == 0);
  CHECK(sockets_handed_over("17", nullptr, 17) == 0);
  for (const char* nonsense : {"", "-1", "2 ", "x", "0x2", "2147483647", "99999999999999999999"}) {
    CAPTURE(nonsense);
    CHECK(sockets_handed_over("17", nonsense, 17) == 0);
    CHECK(sockets_handed_over(nonsense, "2", 17) == 0);
  }
}

TEST_CASE("WATCHDOG_USEC and WATCHDOG_PID") {
  using gateway::watchdog_of;
  using std::chrono::microseconds;
  CHECK(watchdog_of("30000000", "17", 17) == microseconds(30'000'000));
  CHECK(watchdog_of("30000000", nullptr, 17) == microseconds(30'000'000));
  CHECK(watchdog_of("30000000", "18", 17) == microseconds(0));
  CHECK(watchdog_of("30000000", "", 17) == microseconds(0));
  CHECK(watchdog_of(nullptr, "17", 17) == microseconds(0));
  CHECK(watchdog_of("9223372036854775807", nullptr, 17) == std::chrono::hours(24));
  for (const char* nonsense : {"", "0", "-5", "1s", "99999999999999999999"}) {
    CAPTURE(nonsense);
    CHECK(watchdog_of(nonsense, nullptr, 17) == microseconds(0));
  }
}

TEST_CASE("the environment is taken over; a successor inherits whom to tell and how often") {
  ::setenv("NOTIFY_SOCKET", "@somewhere", 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_PID", "1", 1);
  ::setenv("LISTEN_FDS", "3", 1);
  ::setenv("LISTEN_FDNAMES", "a:b:c", 1);
  const auto with = gateway::take_environment();
  CHECK(with.warnings.empty());
  REQUIRE(with.notify.socket);
  CHECK(with.notify.socket->text() == "unix:@somewhere");
  CHECK(with.notify.watchdog == std::chrono::seconds(3));
  for (const char* gone : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"})
    CHECK(std::getenv(gone) == nullptr);
  CHECK(gateway::take_environment().notify.watchdog == std::chrono::seconds(3));

  ::setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
  const auto elsewhere = gateway::take_environment();
  CHECK_FALSE(elsewhere.notify.socket);
  CHECK(elsewhere.warnings.size() == 1);
  ::unsetenv("NOTIFY_SOCKET");
  ::unsetenv("WATCHDOG_USEC");
  CHECK_FALSE(gateway::take_environment().notify.socket);
}
