// Bodies read from a stream: decoded, bounded, and ended exactly where they end.
#include "gateway/exchange/body_reader.hpp"

#include <string>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate;
using namespace tidegate::tests;
using namespace std::chrono_literals;
using gateway::BodyEnd;
using gateway::BodyLimits;
using gateway::BodyReader;
using http::BodyKind;

namespace {

http::Framing framed(BodyKind kind, std::uint64_t length = 0) {
  http::Framing framing;
  framing.kind = kind;
  framing.length = length;
  return framing;
}

struct Scene {
  net::EventLoop loop;
  net::BufferPool pool;
  Pair pair = unix_pair(loop);
  Pair other = unix_pair(loop);

  net::Buffer buffered(std::string_view text) {
    auto buffer = pool.take();
    std::copy(text.begin(), text.end(), buffer.room().begin());
    buffer.commit(text.size());
    return buffer;
  }
};

net::Task<> read_all(Scene& scene, BodyReader& reader, std::string& body) {
  while (reader.end() == BodyEnd::open) body += co_await reader.next(scene.pool);
}

// What a reader makes of `early`, which was read with the head, and `late`, which comes afterwards.
struct Read {
  std::string body;
  std::string rest;
  std::string trailers;
  BodyEnd end;
};

Read read(const http::Framing& framing, std::string_view early, std::string_view late, bool end_of_stream,
          const BodyLimits& limits = {0, 10s, 100}) {
  Scene scene;
  BodyReader reader(*scene.pair.stream, framing, scene.buffered(early), limits);
  say(scene.pair.peer, late);
  if (end_of_stream) scene.pair.peer.reset();
  Read result;
  run(scene.loop, read_all(scene, reader, result.body));
  result.rest = reader.rest().text();
  result.trailers = reader.trailers();
  result.end = reader.end();
  return result;
}

}  // namespace

TEST_CASE("a body of known length ends at its length, wherever the input is cut") {
  const std::string text = "0123456789next";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CAPTURE(cut);
    const auto got = read(framed(BodyKind::length, 10), text.substr(0, cut), text.substr(cut), false);
    CHECK(got.body == "0123456789");
    CHECK(got.end == BodyEnd::whole);
    CHECK((got.rest == "next" || got.rest == text.substr(10, std::max<std::size_t>(cut, 10) - 10)));
  }
}

TEST_CASE("a body in chunks is decoded, wherever the input is cut") {
  const std::string text = "4\r\n0123\r\n6;ext=1\r\n456789\r\n0\r\nX-Sum: 1\r\n\r\nnext";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CAPTURE(cut);
    const auto got = read(framed(BodyKind::chunked), text.substr(0, cut), text.substr(cut), false);
    CHECK(got.body == "0123456789");
    CHECK(got.end == BodyEnd::whole);
    CHECK(got.trailers.find("X-Sum: 1") != std::string::npos);
  }
}

TEST_CASE("no body is whole at once") {
  Scene scene;
  BodyReader none(*scene.pair.stream, framed(BodyKind::none), scene.buffered("next"), {});
  CHECK(none.end() == BodyEnd::whole);
  CHECK(none.rest().text() == "next");
  CHECK_FALSE(none.begun());
  BodyReader empty(*scene.pair.stream, framed(BodyKind::length, 0), scene.buffered("next"), {});
  CHECK(empty.end() == BodyEnd::whole);
  CHECK(empty.rest().text() == "next");
}

TEST_CASE("RFC 9112 8: a body that is cut is never whole, unless only the close can end it") {
  CHECK(read(framed(BodyKind::length, 10), "01234", "", true).end == BodyEnd::truncated);
  CHECK(read(framed(BodyKind::chunked), "4\r\n0123\r\n", "", true).end == BodyEnd::truncated);
  CHECK(read(framed(BodyKind::chunked), "4\r\n0123\r\n0\r\n", "", true).end == BodyEnd::truncated);
  const auto got = read(framed(BodyKind::until_close), "begin ", "end", true);
  CHECK(got.end == BodyEnd::whole);
  CHECK(got.body == "begin end");
}

TEST_CASE("a reset leaves even a body without length cut") {
  Scene scene;
  auto pair = tcp_pair(scene.loop);
  BodyReader reader(*pair.stream, framed(BodyKind::until_close), {}, {0, 10s, 100});
  abort_connection(pair.peer);
  std::string body;
  run(scene.loop, read_all(scene, reader, body));
  CHECK(reader.end() == BodyEnd::truncated);
}

TEST_CASE("bad chunks end the reading") {
  for (const auto* text :
       {"x\r\n", "4\r\n0123x", "4\n0123\r\n", "FFFFFFFFFFFFFFFFF\r\n", "-1\r\n", " 4\r\n"}) {
    CAPTURE(text);
    CHECK(read(framed(BodyKind::chunked), text, "", false).end == BodyEnd::malformed);
  }
}

TEST_CASE("a body over the limit is refused, by its length before it is read") {
  Scene scene;
  BodyReader reader(*scene.pair.stream, framed(BodyKind::length, 11), {}, {10, 10s, 100});
  CHECK(reader.end() == BodyEnd::too_large);
  const auto chunks =
      read(framed(BodyKind::chunked), "6\r\n012345\r\n", "6\r\n678901\r\n", false, {10, 10s, 100});
  CHECK(chunks.end == BodyEnd::too_large);
  CHECK(read(framed(BodyKind::chunked), "a\r\n0123456789\r\n0\r\n\r\n", "", false, {10, 10s, 100}).end ==
        BodyEnd::whole);
}

TEST_CASE("a sender that stops ends the reading after the idle time") {
  CHECK(read(framed(BodyKind::length, 10), "01234", "", false, {0, 20ms, 100}).end == BodyEnd::stalled);
}

TEST_CASE("a watched stream that hangs up ends the reading, and no buffer is held while it waits") {
  Scene scene;
  BodyReader reader(*scene.pair.stream, framed(BodyKind::length, 10), scene.buffered("01234"), {0, 10s, 100});
  reader.watch(*scene.other.stream);
  std::string body;
  run(scene.loop, [](Scene& s, BodyReader& r, std::string& text) -> net::Task<> {
    auto reading = read_all(s, r, text);
    reading.start();
    co_await holds(s.loop, [&] { return text == "01234"; });
    CHECK(s.pool.in_use() == 0);
    s.other.peer.reset();
    co_await holds(s.loop, [&] { return reading.finished(); });
  }(scene, reader, body));
  CHECK(reader.end() == BodyEnd::abandoned);
}

TEST_CASE("a large body passes in one buffer") {
  Scene scene;
  const std::string large(3'000'000, 'x');
  BodyReader reader(*scene.pair.stream, framed(BodyKind::length, large.size()), {}, {0, 10s, 100});
  std::thread sender([&] { say(scene.pair.peer, large); });
  std::size_t most = 0;
  std::size_t size = 0;
  run(scene.loop, [](Scene& s, BodyReader& r, std::size_t& held, std::size_t& total) -> net::Task<> {
    while (r.end() == BodyEnd::open) {
      total += (co_await r.next(s.pool)).size();
      held = std::max(held, s.pool.in_use());
    }
  }(scene, reader, most, size));
  sender.join();
  CHECK(size == large.size());
  CHECK(most == net::BufferPool::kBlock);
}
