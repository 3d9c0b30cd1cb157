#include "upstream/connector.hpp"

#include <poll.h>
#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate;
using namespace tidegate::tests;
using namespace std::chrono_literals;

namespace {

// A port that answers no connect: its queue is full.
class Deaf {
 public:
  Deaf() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = *net::SocketAddress::from_ip("127.0.0.1", 0);
    require(::bind(listener_.get(), any.data(), any.size()) == 0, "bind");
    require(::listen(listener_.get(), 0) == 0, "listen");
    // The kernel drops a SYN once the queue holds more than the backlog.
    for (int i = 0; i < 16; ++i) {
      auto socket = net::start_connect(address());
      require(socket.has_value(), "connect");
      pollfd ready{socket->get(), POLLOUT, 0};
      const bool connected = ::poll(&ready, 1, 100) > 0;
      crowd_.push_back(std::move(*socket));
      if (!connected) return;
    }
    require(false, "the queue does not fill");
  }
  [[nodiscard]] net::SocketAddress address() const { return net::SocketAddress::local_of(listener_.get()); }

 private:
  net::UniqueFd listener_;
  std::vector<net::UniqueFd> crowd_;
};

// Named: gcc 12 copies a brace-made temporary of a co_await byte by byte into the frame.
const conf::Upstream kUpstream{};

net::Task<> connect_into(net::EventLoop& loop, net::SocketAddress to, std::chrono::milliseconds time,
                         net::Stream* client, int& outcome) {
  const net::OpeningLimits limits{loop.now() + time, client};
  const auto stream = co_await upstream::connect(loop, to, kUpstream, limits);
  outcome = stream.has_value() ? 0 : stream.error().value();
}

}  // namespace

TEST_CASE("addresses of a configuration become socket addresses") {
  CHECK(upstream::socket_address({"10.0.0.1", 80, {}})->text() == "10.0.0.1:80");
  CHECK(upstream::socket_address({"::1", 80, {}})->text() == "[::1]:80");
  CHECK(upstream::socket_address({{}, 0, "/run/a.sock"})->text() == "unix:/run/a.sock");
  CHECK_FALSE(upstream::socket_address({"a-name", 80, {}}));
}

TEST_CASE("a connect succeeds with a stream that works") {
  net::EventLoop loop;
  const auto listener = listen_here();
  run(loop, [](net::EventLoop& own, const net::UniqueFd& at) -> net::Task<> {
    const net::OpeningLimits limits{own.now() + 10s};
    const auto stream =
        co_await upstream::connect(own, net::SocketAddress::local_of(at.get()), kUpstream, limits);
    REQUIRE(stream.has_value());
    const auto peer = accept_from(at);
    REQUIRE((*stream)->try_write("hello").has_value());
    CHECK(hear(peer) == "hello");
    CHECK((*stream)->writer == nullptr);
  }(loop, listener));
}

TEST_CASE("a refusal is told as such") {
  net::EventLoop loop;
  // Bound and not listening: nobody else can take the port, and it refuses.
  const net::UniqueFd bound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto any = *net::SocketAddress::from_ip("127.0.0.1", 0);
  REQUIRE(::bind(bound.get(), any.data(), any.size()) == 0);
  int outcome = -1;
  run(loop, connect_into(loop, net::SocketAddress::local_of(bound.get()), 10s, nullptr, outcome));
  CHECK(outcome == ECONNREFUSED);
}

TEST_CASE("a Unix socket that is not there is told as such") {
  net::EventLoop loop;
  int outcome = -1;
  run(loop, connect_into(loop, *net::SocketAddress::from_path("/tmp/tidegate-nobody-here.sock"), 10s, nullptr,
                         outcome));
  CHECK(outcome == ENOENT);
}

TEST_CASE("a connect without an answer ends at its deadline") {
  net::EventLoop loop;
  const Deaf deaf;
  int outcome = -1;
  run(loop, connect_into(loop, deaf.address(), 50ms, nullptr, outcome));
  CHECK(outcome == ETIMEDOUT);
}

TEST_CASE("a connect is given up when its client leaves") {
  net::EventLoop loop;
  const Deaf deaf;
  auto client = tcp_pair(loop);
  int outcome = -1;
  run(loop, [](net::EventLoop& own, const Deaf& to, Pair& from, int& result) -> net::Task<> {
    auto connecting = connect_into(own, to.address(), 10s, from.stream.get(), result);
    connecting.start();
    CHECK(result == -1);
    from.peer.reset();
    co_await holds(own, [&] { return result != -1; });
    CHECK(result == ECANCELED);
    CHECK(from.stream->hangup_watcher == nullptr);
  }(loop, deaf, client, outcome));
}

TEST_CASE("a connect is given up when it is called off") {
  net::EventLoop loop;
  const Deaf deaf;
  net::Signal signal(loop);
  int outcome = -1;
  run(loop, [](net::EventLoop& own, const Deaf& to, net::Signal& off, int& result) -> net::Task<> {
    const auto connect = [](net::EventLoop& on, const Deaf& from, net::Signal& end, int& out) -> net::Task<> {
      const net::OpeningLimits limits{on.now() + 10s, nullptr, &end};
      const auto stream = co_await upstream::connect(on, from.address(), kUpstream, limits);
      out = stream.has_value() ? 0 : stream.error().value();
    };
    auto connecting = connect(own, to, off, result);
    connecting.start();
    CHECK(result == -1);
    off.raise();
    co_await holds(own, [&] { return result != -1; });
    CHECK(result == ESTALE);
  }(loop, deaf, signal, outcome));
}

TEST_CASE("destroying a connect under way leaves nothing behind") {
  net::EventLoop loop;
  const Deaf deaf;
  auto client = tcp_pair(loop);
  int outcome = -1;
  {
    auto connecting = connect_into(loop, deaf.address(), 10s, client.stream.get(), outcome);
    connecting.start();
    CHECK(loop.wheel().size() == 1);
  }
  CHECK(loop.wheel().size() == 0);
  CHECK(client.stream->hangup_watcher == nullptr);
}

namespace {

net::Task<> connect_to_either_into(net::EventLoop& loop, net::SocketAddress first, net::SocketAddress second,
                                   std::chrono::milliseconds time, std::string& outcome) {
  const net::OpeningLimits limits{loop.now() + time};
  const auto either = co_await upstream::connect_to_either(loop, first, second, kUpstream, limits);
  outcome = !either.stream ? either.stream.error().message() : either.second_taken ? "second" : "first";
  if (either.first_fault) outcome += ", first: " + either.first_fault.message();
  if (either.second_fault) outcome += ", second: " + either.second_fault.message();
}

std::string connect_to_either(net::SocketAddress first, net::SocketAddress second,
                              std::chrono::milliseconds time = 10s) {
  net::EventLoop loop;
  std::string outcome;
  run(loop, connect_to_either_into(loop, first, second, time, outcome));
  return outcome;
}

// A port that refuses, and that nobody else can take.
struct Refusing {
  Refusing() : bound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = *net::SocketAddress::from_ip("127.0.0.1", 0);
    require(::bind(bound.get(), any.data(), any.size()) == 0, "bind");
  }
  [[nodiscard]] net::SocketAddress address() const { return net::SocketAddress::local_of(bound.get()); }
  net::UniqueFd bound;
};

}  // namespace

TEST_CASE(
    "RFC 8305: the first address that answers is taken, the second one is tried when the first is silent") {
  const auto listener = listen_here();
  const auto here = net::SocketAddress::local_of(listener.get());
  const Deaf deaf;
  const Refusing refusing;
  CHECK(connect_to_either(here, deaf.address()) == "first");
  CHECK(connect_to_either(deaf.address(), here) == "second");
  CHECK(connect_to_either(refusing.address(), here) ==
        "Connection refused, first: Connection refused");  // told at once: nothing was lost
  CHECK(connect_to_either(deaf.address(), refusing.address(), 2s) ==
        "Connection timed out, first: Connection timed out, second: Connection refused");
  const Deaf other;
  CHECK(connect_to_either(deaf.address(), other.address(), 2s) ==
        "Connection timed out, first: Connection timed out, second: Connection timed out");
  CHECK(connect_to_either(deaf.address(), other.address(), 100ms) ==
        "Connection timed out, first: Connection timed out");
}
