#include "wire/net/write_all.hpp"

#include <array>
#include <string>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;
using namespace std::chrono_literals;

namespace {

void make_narrow(const Stream& stream) {
  const int small = 4096;
  ::setsockopt(stream.descriptor(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

}  // namespace

TEST_CASE("everything is written, in order, over many partial writes") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  make_narrow(*pair.stream);
  std::string expected;
  for (int i = 0; i < 100'000; ++i) expected += std::to_string(i) + " ";
  std::string heard;
  std::thread reader([&] {
    while (heard.size() < expected.size()) {
      const auto more = hear(pair.peer, 7777);
      if (more.empty()) return;
      heard += more;
    }
  });
  run(loop, [](Pair& p, const std::string& text) -> Task<> {
    const std::string_view whole(text);
    std::array<iovec, 4> pieces{piece_of(whole.substr(0, 10)), piece_of({}),
                                piece_of(whole.substr(10, 300'000)), piece_of(whole.substr(300'010))};
    const auto error = co_await write_all(*p.stream, pieces, 10s);
    CHECK_FALSE(error);
  }(pair, expected));
  reader.join();
  CHECK(heard.size() == expected.size());
  CHECK((heard == expected));
}

TEST_CASE("nothing to write is written at once") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  run(loop, [](Pair& p) -> Task<> {
    const auto of_nothing = co_await write_all(*p.stream, std::string_view(), 1ms);
    CHECK_FALSE(of_nothing);
    std::array<iovec, 2> pieces{piece_of({}), piece_of({})};
    const auto error = co_await write_all(*p.stream, pieces, 1ms);
    CHECK_FALSE(error);
  }(pair));
}

TEST_CASE("a peer that stops reading ends the write after the stall time") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  run(loop, [](Pair& p) -> Task<> {
    const std::string much(8 * 1024 * 1024, 'x');
    const auto began = p.stream->loop().now();  // deadlines count from the loop's time
    const auto error = co_await write_all(*p.stream, much, 50ms);
    CHECK(error.value() == ETIMEDOUT);
    CHECK(Clock::now() - began >= 50ms);
  }(pair));
}

TEST_CASE("a peer that left ends the write with the reason") {
  EventLoop loop;
  auto pair = unix_pair(loop);
  pair.peer.reset();
  run(loop, [](Pair& p) -> Task<> {
    const auto error = co_await write_all(*p.stream, "hello", 10s);
    CHECK(error.value() == EPIPE);
  }(pair));
}
