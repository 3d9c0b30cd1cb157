// Sockets that are handed over to the gateway, and what it tells whoever started it.
#include "gateway/process/started_with.hpp"

#include <fstream>
#include <iomanip>
#include <optional>
#include <sstream>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/error_log_file.hpp"
#include "tests/support/notify_socket.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// A service manager with a listening socket that it keeps.
class Lender {
 public:
  explicit Lender(const net::SocketAddress& at, std::optional<int> option = {})
      : socket_(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    const int off = 0;
    if (at.family() == AF_INET6) ::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (option) ::setsockopt(socket_.get(), SOL_SOCKET, *option, &on, sizeof on);
    if (::bind(socket_.get(), at.data(), at.size()) != 0 || ::listen(socket_.get(), 64) != 0)
      throw Unexpected("cannot listen at " + at.text());
  }
  explicit Lender(const std::string& host, std::optional<int> option = {})
      : Lender(*net::SocketAddress::from_ip(host, 0), option) {}

  [[nodiscard]] gateway::StartedWith lend() const { return with(true); }
  [[nodiscard]] gateway::StartedWith give() { return with(false); }
  [[nodiscard]] std::string address() const { return net::SocketAddress::local_of(socket_.get()).text(); }
  [[nodiscard]] std::uint16_t port() const { return net::SocketAddress::local_of(socket_.get()).port(); }
  void close() { socket_.reset(); }

 private:
  [[nodiscard]] gateway::StartedWith with(bool lent) const {
    gateway::StartedWith started;
    CHECK(started.sockets.add(net::UniqueFd(::dup(socket_.get())), lent).empty());
    return started;
  }

  net::UniqueFd socket_;
};

std::string listeners(std::initializer_list<std::string> addresses, const std::string& rest = "") {
  std::string yaml = "routes: [ { path: /, respond: { body: x } } ]\nlisteners:\n";
  for (const auto& address : addresses) yaml += "  - '" + address + "'\n";
  return yaml + rest;
}

// How many sockets listen at a port of IPv4.
std::size_t queues(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  std::ostringstream hex;
  hex << std::hex << std::uppercase << std::setw(4) << std::setfill('0') << port;
  std::size_t count = 0;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string slot, local, remote, state;
    words >> slot >> local >> remote >> state;
    if (local.ends_with(":" + hex.str()) && state == "0A") ++count;
  }
  return count;
}

void expect_answers(std::uint16_t port, int count) {
  for (int i = 0; i < count; ++i) {
    RawClient client(port);
    CHECK(client.get().body == "x");
  }
}

}  // namespace

TEST_CASE("a lent socket serves all workers from one queue, and those who come after the end wait in it") {
  const Lender lender("127.0.0.1");
  const auto yaml = [&](int workers) {
    return listeners({lender.address()}, "workers: " + std::to_string(workers) + "\n");
  };
  std::optional<RawClient> late;
  {
    GatewayFixture gateway(yaml(3), lender.lend());
    CHECK(gateway.port() == lender.port());
    CHECK(queues(lender.port()) == 1);
    expect_answers(lender.port(), 20);
    for (const int workers : {1, 4, 2}) {
      CHECK(gateway.reload(yaml(workers)).succeeded);
      expect_answers(lender.port(), 20);
      CHECK(queues(lender.port()) == 1);
    }
    gateway.shut_down();
    CHECK(gateway.ended_within(kPatience));
    if (!tls_everywhere()) {
      late.emplace(lender.port());
      late->send(get());
    }
  }
  GatewayFixture next(yaml(2), lender.lend());
  if (late) CHECK(late->read_answer().body == "x");
  expect_answers(lender.port(), 20);
}

TEST_CASE("a socket with SO_REUSEPORT gets further ones beside it, a queue for each worker") {
  const Lender lender("127.0.0.1", SO_REUSEPORT);
  GatewayFixture gateway(listeners({lender.address()}, "workers: 3\n"), lender.lend());
  CHECK(queues(lender.port()) == 3);
  expect_answers(lender.port(), 40);
}

TEST_CASE("a lent Unix socket keeps its file; one that was given for good takes it along") {
  const TemporaryFolder folder;
  const auto path = folder.file("socket");
  {
    Lender lender(*net::SocketAddress::from_path(path));
    for (int i = 0; i < 2; ++i) {
      GatewayFixture gateway(listeners({"unix:" + path}, "workers: 2\n"), lender.lend());
      RawClient client(path);
      CHECK(client.get().body == "x");
    }
    CHECK(::access(path.c_str(), F_OK) == 0);
    GatewayFixture gateway(listeners({"unix:" + path}), lender.give());
    lender.close();
    RawClient client(path);
    CHECK(client.get().body == "x");
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a lent socket is there again for a listener that comes back") {
  const Lender lender("127.0.0.1");
  GatewayFixture gateway(listeners({"127.0.0.1:0", lender.address()}), lender.lend());
  expect_answers(lender.port(), 1);
  for (int i = 0; i < 2; ++i) {
    CHECK(gateway.reload(listeners({"127.0.0.1:0"})).succeeded);
    CHECK(gateway.reload(listeners({"127.0.0.1:0", lender.address()})).succeeded);
    expect_answers(lender.port(), 3);
  }
}

TEST_CASE("clients of a lent socket wait while the gateway drains, and are served when it takes that back") {
  const Lender lender("127.0.0.1");
  const NotifySocket manager;
  auto started = lender.lend();
  started.notify.socket = manager.address();
  GatewayFixture gateway(listeners({lender.address()}), std::move(started));
  CHECK(gateway.drain());
  CHECK(manager.wait_for("STATUS=draining: 0 requests") ==
        "STATUS=draining: 0 requests and 0 WebSockets are left");
  std::optional<RawClient> late;
  if (!tls_everywhere()) {
    late.emplace(lender.port());
    late->send(get());
  }
  gateway.undrain();
  if (late) CHECK(late->read_answer().body == "x");
  expect_answers(lender.port(), 3);
}

TEST_CASE("a socket for an address that is no listener's is closed with a warning") {
  const ErrorLogFile log;
  const Lender lender("127.0.0.1");
  GatewayFixture gateway(listeners({"127.0.0.1:0"}, log.yaml()), lender.lend());
  log.wait_for("a socket was handed over for " + lender.address());
  CHECK(gateway.port() != lender.port());
}

TEST_CASE("a socket for all IPv6 addresses that has the port of IPv4 too: the error says what to write") {
  if (!net::family_available(AF_INET6)) return;
  const Lender lender("::");
  const auto port = std::to_string(lender.port());
  try {
    GatewayFixture gateway(listeners({"0.0.0.0:" + port, "[::]:" + port}), lender.lend());
    FAIL("it started");
  } catch (const std::runtime_error& error) {
    CAPTURE(error.what());
    CHECK(std::string(error.what()).find("BindIPv6Only=ipv6-only") != std::string::npos);
  }
  GatewayFixture alone(listeners({"[::]:" + port}), lender.lend());
  expect_answers(lender.port(), 2);  // IPv4 comes in by it
}

TEST_CASE("the service manager hears of the start, of reloads good and bad, and of the end") {
  const NotifySocket manager;
  const auto started = [&](std::chrono::microseconds watchdog) {
    gateway::StartedWith with;
    with.notify = {manager.address(), watchdog};
    return with;
  };
  GatewayFixture gateway(listeners({"127.0.0.1:0"}, "workers: 2\n"), started(std::chrono::milliseconds(60)));
  CHECK(manager.receive() == "READY=1\nSTATUS=serving with 2 workers");
  CHECK(manager.wait_for("WATCHDOG=") == "WATCHDOG=1");

  CHECK(gateway.reload(listeners({"127.0.0.1:0"}, "workers: 1\n")).succeeded);
  CHECK(manager.wait_for("RELOADING=1\n").starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.wait_for("READY=1\n") == "READY=1\nSTATUS=serving with 1 worker");
  CHECK_FALSE(gateway.reload(listeners({"127.0.0.1:0"}, "shutdwon: {}\n")).succeeded);
  const auto failed = manager.wait_for("READY=1\n");
  CHECK(
      failed.starts_with("READY=1\nSTATUS=serving with 1 worker; the configuration is an older one, since "
                         "the last reload failed: test.yaml:"));
  CHECK(failed.find("shutdwon") != std::string::npos);
  CHECK(gateway.reload(listeners({"127.0.0.1:0"}, "workers: 1\n")).succeeded);
  CHECK(manager.wait_for("READY=1\n") == "READY=1\nSTATUS=serving with 1 worker");

  manager.forget();
  CHECK(gateway.drain());
  (void)manager.wait_for("STATUS=draining: 0 requests");
  gateway.undrain();
  CHECK(manager.wait_for("STATUS=serving") == "STATUS=serving with 1 worker");
  gateway.shut_down();
  CHECK(gateway.ended_within(kPatience));
  CHECK(manager.wait_for("STOPPING=1\n").starts_with("STOPPING=1\nSTATUS=shutting down: "));
}

TEST_CASE("the status of an end counts what is left") {
  ScriptedBackend backend;
  const NotifySocket manager;
  gateway::StartedWith with;
  with.notify = {manager.address(), {}};
  GatewayFixture gateway(
      in_front_of(backend, {.rest = "shutdown: { delay: 0s, deadline: 60s, window: 60s }\n"}),
      std::move(with));
  const auto stays = open_tunnel(gateway, backend);
  {
    const auto goes = open_tunnel(gateway, backend);
    gateway.shut_down();
    (void)manager.wait_for("STATUS=shutting down: 0 requests and 2 WebSockets are left");
  }
  (void)manager.wait_for("STATUS=shutting down: 0 requests and 1 WebSockets are left");
}
