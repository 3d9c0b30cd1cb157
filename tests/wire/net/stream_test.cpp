#include <array>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;
using namespace std::chrono_literals;

namespace {

Task<> readable(Stream& stream) {
  Wait wait(stream.loop());
  wait.readable(stream).until(stream.loop().now() + 10s);
  const auto cause = co_await wait;
  require(cause == Cause::readable, "nothing to read");
}

Task<> writable(Stream& stream) {
  Wait wait(stream.loop());
  wait.writable(stream).until(stream.loop().now() + 10s);
  const auto cause = co_await wait;
  require(cause == Cause::writable, "cannot be written to");
}

std::string read_some(Stream& stream, std::size_t most = 64) {
  std::string text(most, '\0');
  const auto count = stream.try_read(text);
  if (count.has_error()) return "error " + std::to_string(count.error().value());
  text.resize(*count);
  return text;
}

bool would_wait(Stream& stream) {
  std::array<char, 8> byte{};
  const auto count = stream.try_read(byte);
  return count.has_error() && would_block(count.error());
}

Pair pair_of(EventLoop& loop, bool tcp) {
  return tcp ? tcp_pair(loop) : unix_pair(loop);
}

}  // namespace

TEST_CASE("a look at a stream's first bytes leaves them, and takes exactly those that are asked for") {
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    EventLoop loop;
    auto pair = pair_of(loop, tcp);
    run(loop, [](Pair& p) -> Task<> {
      std::array<char, 64> bytes{};
      const auto early = p.stream->try_peek(bytes);
      CHECK(would_block(early.error()));
      say(p.peer, "header");
      co_await readable(*p.stream);
      const auto part = p.stream->try_peek(bytes);
      CHECK(*part == 6);
      CHECK_FALSE(p.stream->readable());  // until more comes
      say(p.peer, "|rest");
      co_await readable(*p.stream);
      const auto whole = p.stream->try_peek(bytes);
      CHECK(std::string_view(bytes.data(), *whole) == "header|rest");
      const bool taken = p.stream->take_peeked(7, *whole, bytes);
      CHECK(taken);
      CHECK(p.stream->readable());
      CHECK(read_some(*p.stream) == "rest");
      // Taken to the last byte, nothing is there to be read.
      say(p.peer, "end");
      co_await readable(*p.stream);
      const auto last = p.stream->try_peek(bytes);
      const bool all = p.stream->take_peeked(3, *last, bytes);
      CHECK(all);
      CHECK(would_wait(*p.stream));
      ::shutdown(p.peer.get(), SHUT_WR);
      co_await readable(*p.stream);
      const auto end = p.stream->try_peek(bytes);
      CHECK(*end == 0);
    }(pair));
  }
}

TEST_CASE("a stream is readable while bytes wait, and a short read empties it") {
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    EventLoop loop;
    auto pair = pair_of(loop, tcp);
    run(loop, [](Pair& p) -> Task<> {
      CHECK(would_wait(*p.stream));
      say(p.peer, "hello");
      co_await readable(*p.stream);
      CHECK(read_some(*p.stream, 3) == "hel");
      CHECK(p.stream->readable());  // a read that filled its room may have left some
      CHECK(read_some(*p.stream) == "lo");
      CHECK_FALSE(p.stream->readable());
      CHECK(would_wait(*p.stream));
      say(p.peer, "again");  // a new edge
      co_await readable(*p.stream);
      CHECK(read_some(*p.stream) == "again");
      CHECK_FALSE(p.stream->hung_up());
    }(pair));
  }
}

TEST_CASE("the end of a stream comes after its bytes") {
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    EventLoop loop;
    auto pair = pair_of(loop, tcp);
    run(loop, [](EventLoop& own, Pair& p) -> Task<> {
      say(p.peer, "last words");
      ::shutdown(p.peer.get(), SHUT_WR);
      co_await holds(own, [&] { return p.stream->hung_up(); });
      CHECK(read_some(*p.stream, 5) == "last ");
      CHECK(read_some(*p.stream) == "words");
      // No new edge will come: the stream must stay readable until its end was read.
      REQUIRE(p.stream->readable());
      CHECK(read_some(*p.stream).empty());
      CHECK(read_some(*p.stream).empty());
      // The other direction is open.
      co_await writable(*p.stream);
      REQUIRE(p.stream->try_write("still here").has_value());
      CHECK(hear(p.peer) == "still here");
    }(loop, pair));
  }
}

TEST_CASE("a FIN that arrives after a short read is seen") {
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    EventLoop loop;
    auto pair = pair_of(loop, tcp);
    run(loop, [](Pair& p) -> Task<> {
      say(p.peer, "x");
      co_await readable(*p.stream);
      CHECK(read_some(*p.stream) == "x");
      CHECK_FALSE(p.stream->readable());
      ::shutdown(p.peer.get(), SHUT_WR);
      co_await readable(*p.stream);
      CHECK(read_some(*p.stream).empty());
    }(pair));
  }
}

TEST_CASE("a reset is an error of the read and of the write") {
  EventLoop loop;
  auto pair = tcp_pair(loop);
  run(loop, [](EventLoop& own, Pair& p) -> Task<> {
    abort_connection(p.peer);
    co_await holds(own, [&] { return p.stream->hung_up(); });
    CHECK(read_some(*p.stream) == "error " + std::to_string(ECONNRESET));
    CHECK(p.stream->try_write("x").has_error());
  }(loop, pair));
}

TEST_CASE("a write to a full socket waits, and goes on when the peer has read") {
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    EventLoop loop;
    auto pair = pair_of(loop, tcp);
    run(loop, [](EventLoop& own, Pair& p) -> Task<> {
      co_await writable(*p.stream);
      const std::string block(100'000, 'x');
      std::size_t written = 0;
      for (;;) {
        const auto count = p.stream->try_write(block);
        if (count.has_error()) {
          CHECK(would_block(count.error()));
          break;
        }
        CHECK(*count > 0);
        written += *count;
      }
      CHECK_FALSE(p.stream->writable());
      CHECK(p.stream->try_write("x").has_error());
      std::size_t heard = 0;
      while (heard < written) heard += hear(p.peer).size();
      CHECK(heard == written);
      co_await holds(own, [&] { return p.stream->writable(); });
      CHECK(p.stream->try_write("more").has_value());
    }(loop, pair));
  }
}

TEST_CASE("after a write that took a part only, the next edge comes without another try") {
  EventLoop loop;
  auto pair = tcp_pair(loop);
  run(loop, [](EventLoop& own, Pair& p) -> Task<> {
    co_await writable(*p.stream);
    const std::string block(64 * 1024 * 1024, 'x');
    const auto count = p.stream->try_write(block);
    REQUIRE(count.has_value());
    REQUIRE(*count < block.size());
    // Nothing is tried again: a tunnel keeps the rest and waits to be woken.
    int woken = 0;
    class Counting final : public Waiter {
     public:
      explicit Counting(int& total) : total_(total) {}
      void wake(Cause) override { ++total_; }

     private:
      int& total_;
    };
    Counting writer(woken);
    p.stream->writer = &writer;
    std::size_t heard = 0;
    while (heard < *count) heard += hear(p.peer).size();
    co_await holds(own, [&] { return woken > 0; });
    p.stream->writer = nullptr;
  }(loop, pair));
}

TEST_CASE("several pieces leave in one write") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  run(loop, [](Pair& p) -> Task<> {
    co_await writable(*p.stream);
    std::string one = "one ";
    std::string two = "two";
    const std::array<iovec, 3> pieces{{{one.data(), one.size()}, {nullptr, 0}, {two.data(), two.size()}}};
    CHECK(*p.stream->try_write(std::span(pieces)) == 7);
    CHECK(hear(p.peer) == "one two");
  }(pair));
}

TEST_CASE("shutting down the writing side leaves the reading side open") {
  EventLoop loop;
  auto pair = tcp_pair(loop);
  run(loop, [](Pair& p) -> Task<> {
    p.stream->shutdown_write();
    CHECK(hear(p.peer).empty());
    say(p.peer, "answer");
    co_await readable(*p.stream);
    CHECK(read_some(*p.stream) == "answer");
  }(pair));
}

TEST_CASE("reset_on_close makes the peer see a reset") {
  EventLoop loop;
  auto pair = tcp_pair(loop);
  pair.stream->reset_on_close();
  pair.stream.reset();
  std::array<char, 8> byte{};
  CHECK(::recv(pair.peer.get(), byte.data(), byte.size(), 0) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("a quiet stream has neither bytes nor an end, known to the loop or not") {
  EventLoop loop;
  auto pair = tcp_pair(loop);
  CHECK(pair.stream->is_quiet());
  SECTION("a byte the loop has not seen") {
    say(pair.peer, "x");
    pollfd ready{pair.stream->descriptor(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 10'000) == 1);
    CHECK_FALSE(pair.stream->readable());
    CHECK_FALSE(pair.stream->is_quiet());
  }
  SECTION("an end the loop has not seen") {
    pair.peer.reset();
    pollfd ready{pair.stream->descriptor(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 10'000) == 1);
    CHECK_FALSE(pair.stream->is_quiet());
  }
  SECTION("a byte the loop has seen") {
    run(loop, [](Pair& p) -> Task<> {
      say(p.peer, "x");
      co_await readable(*p.stream);
      CHECK_FALSE(p.stream->is_quiet());
    }(pair));
  }
}

TEST_CASE("the outcome of a connect is told by its stream") {
  EventLoop loop;
  run(loop, [](EventLoop& own) -> Task<> {
    const auto listener = listen_here();
    auto socket = start_connect(SocketAddress::local_of(listener.get()));
    REQUIRE(socket.has_value());
    error_code error;
    const auto stream = Stream::adopt(own, std::move(*socket), error);
    REQUIRE(stream);
    co_await writable(*stream);
    CHECK_FALSE(stream->connect_error());
  }(loop));
}

TEST_CASE("a refused connect is told by its stream") {
  EventLoop loop;
  run(loop, [](EventLoop& own) -> Task<> {
    // Bound and not listening: nobody else can take the port, and it refuses.
    const UniqueFd bound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = *SocketAddress::from_ip("127.0.0.1", 0);
    REQUIRE(::bind(bound.get(), any.data(), any.size()) == 0);
    auto socket = start_connect(SocketAddress::local_of(bound.get()));
    if (socket.has_error()) {
      CHECK(socket.error().value() == ECONNREFUSED);
      co_return;
    }
    error_code error;
    const auto stream = Stream::adopt(own, std::move(*socket), error);
    REQUIRE(stream);
    co_await writable(*stream);
    CHECK(stream->connect_error().value() == ECONNREFUSED);
  }(loop));
}
