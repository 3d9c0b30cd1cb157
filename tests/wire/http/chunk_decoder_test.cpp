#include "wire/http/chunk_decoder.hpp"

#include <string>

#include "tests/support/catch.hpp"
#include "tests/wire/http/splits.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;
using namespace std::string_view_literals;

namespace {

struct Decoded {
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  bool done = false;
  ChunkError error = ChunkError::none;
};

Decoded decode(const Split& split, std::size_t trailer_bytes) {
  ChunkDecoder decoder(trailer_bytes);
  Decoded decoded;
  for (auto piece : split.pieces) {
    while (!piece.empty() && !decoder.done() && decoder.error() == ChunkError::none) {
      const auto step = decoder.next(piece);
      REQUIRE(step.consumed > 0);
      REQUIRE(step.consumed <= piece.size());
      if (!step.data.empty()) {
        // A range of the input, at the end of what was consumed: nothing is copied.
        REQUIRE(step.data.data() + step.data.size() == piece.data() + step.consumed);
      }
      decoded.data += step.data;
      decoded.consumed += step.consumed;
      piece.remove_prefix(step.consumed);
    }
  }
  decoded.done = decoder.done();
  decoded.error = decoder.error();
  if (decoder.done()) decoded.trailers = decoder.trailers();
  return decoded;
}

void check_decoded(std::string_view text, std::string_view data, std::string_view trailers = {}) {
  for (const std::string_view after : {"", "GET / HTTP/1.1\r\n"}) {
    const auto stream = std::string(text).append(after);
    for (const auto& split : splits_of(stream)) {
      INFO(split.name);
      const auto decoded = decode(split, 100);
      CHECK(decoded.done);
      CHECK(describe(decoded.error) == describe(ChunkError::none));
      CHECK(decoded.data == data);
      CHECK(decoded.trailers == trailers);
      CHECK(decoded.consumed == text.size());
    }
  }
}

void check_refused(std::string_view text, ChunkError error, std::size_t trailer_bytes = 100) {
  CAPTURE(text);
  for (const auto& split : splits_of(text)) {
    INFO(split.name);
    const auto decoded = decode(split, trailer_bytes);
    CHECK_FALSE(decoded.done);
    CHECK(describe(decoded.error) == describe(error));
  }
}

void check_incomplete(std::string_view text) {
  CAPTURE(text);
  for (const auto& split : splits_of(text)) {
    const auto decoded = decode(split, 100);
    CHECK_FALSE(decoded.done);
    CHECK(describe(decoded.error) == describe(ChunkError::none));
    CHECK(decoded.consumed == text.size());
  }
}

}  // namespace

TEST_CASE("RFC 9112 7.1: chunks are decoded, what follows them is left alone") {
  check_decoded("0\r\n\r\n", "");
  check_decoded("5\r\nhello\r\n0\r\n\r\n", "hello");
  check_decoded("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world");
  check_decoded("00005\r\nhello\r\n000\r\n\r\n", "hello");
  check_decoded("A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a");
  check_decoded("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n");
  check_decoded("40\r\n" + std::string(64, 'x') + "\r\n0\r\n\r\n", std::string(64, 'x'));
}

TEST_CASE("RFC 9112 7.1: a body without its last chunk is not done") {
  for (const auto text : {"", "5", "5\r", "5\r\n", "5\r\nhell", "5\r\nhello", "5\r\nhello\r\n", "0\r\n",
                          "0\r\n\r", "0\r\nX: y\r\n"}) {
    check_incomplete(text);
  }
}

TEST_CASE("RFC 9112 7.1: a chunk size is 1*HEXDIG below 2^63") {
  check_refused("\r\n", ChunkError::bad_size);
  check_refused(";a\r\n", ChunkError::bad_size);
  check_refused("-1\r\n", ChunkError::bad_size);
  check_refused("+1\r\n", ChunkError::bad_size);
  check_refused(" 1\r\n", ChunkError::bad_size);
  check_refused("1 \r\n", ChunkError::bad_size);
  check_refused("0x5\r\nhello\r\n", ChunkError::bad_size);
  check_refused("5_0\r\n", ChunkError::bad_size);
  check_refused("g\r\n", ChunkError::bad_size);
  check_refused("5\0\r\n"sv, ChunkError::bad_size);
  check_refused("8000000000000000\r\n", ChunkError::bad_size);
  check_refused("ffffffffffffffff\r\n", ChunkError::bad_size);
  check_refused("10000000000000005\r\nhello\r\n", ChunkError::bad_size);
  check_refused("00000000000000005\r\nhello\r\n", ChunkError::bad_size);
  check_incomplete("7fffffffffffffff\r\n");
}

TEST_CASE("RFC 9112 7.1: only CRLF ends a size line or a chunk's data") {
  check_refused("5\nhello\r\n0\r\n\r\n", ChunkError::missing_crlf);
  check_refused("5\rhello\r\n0\r\n\r\n", ChunkError::missing_crlf);
  check_refused("5\r\nhello\n0\r\n\r\n", ChunkError::missing_crlf);
  check_refused("5\r\nhello\r0\r\n\r\n", ChunkError::missing_crlf);
  check_refused("5\r\nhello0\r\n\r\n", ChunkError::missing_crlf);
  check_refused("5\r\nhello!\r\n0\r\n\r\n", ChunkError::missing_crlf);
  check_refused("0\n\r\n", ChunkError::missing_crlf);
  check_refused("0\r\n\n", ChunkError::missing_crlf);
}

TEST_CASE("RFC 9112 7.1.1: extensions are discarded") {
  check_decoded("5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello");
  check_decoded("5;a=\"b;c\";d\r\nhello\r\n0\r\n\r\n", "hello");
  check_decoded("5;a=\"\\\"\\\\\"\r\nhello\r\n0\r\n\r\n", "hello");
}

TEST_CASE("RFC 9112 7.1.1: neither CR nor LF stands in an extension, quoted or not") {
  check_refused("5;a\nhello\r\n", ChunkError::bad_extension);
  check_refused("5;a=\"\r\n\"\r\nhello\r\n", ChunkError::bad_extension);
  check_refused("5;a=\"\n\"\r\nhello\r\n", ChunkError::bad_extension);
  check_refused("5;a=\"\\\r\n\"\r\nhello\r\n", ChunkError::bad_extension);
  check_refused("5;a\rb\r\nhello\r\n", ChunkError::missing_crlf);
  check_refused("5;a\x01\r\nhello\r\n", ChunkError::bad_extension);
  check_refused("5;\0\r\nhello\r\n"sv, ChunkError::bad_extension);
}

TEST_CASE("RFC 9112 7.1.1: the total of extensions is bounded") {
  check_decoded("5;" + std::string(1000, 'a') + "\r\nhello\r\n0\r\n\r\n", "hello");
  check_refused("5;" + std::string(2000, 'a') + "\r\nhello\r\n0\r\n\r\n", ChunkError::extension_too_long);
}

TEST_CASE("RFC 9112 7.1.2: trailers are collected") {
  check_decoded("0\r\nX: y\r\n\r\n", "", "X: y\r\n");
  check_decoded("1\r\na\r\n0\r\nX-Sum: 1\r\ngrpc-status: 0\r\n\r\n", "a", "X-Sum: 1\r\ngrpc-status: 0\r\n");
}

TEST_CASE("RFC 9110 6.5.1: fields that frame, route or authenticate are dropped from trailers") {
  for (const std::string name : {"Content-Length", "transfer-encoding", "HOST", "Authorization", "Set-Cookie",
                                 "Cookie", "Connection", "Upgrade", "TE", "Trailer", "Content-Type",
                                 "X-Forwarded-For", "Sec-WebSocket-Key", "Proxy-Authorization"}) {
    check_decoded("5\r\nhello\r\n0\r\n" + name + ": 5\r\nX: y\r\n\r\n", "hello", "X: y\r\n");
    check_refused("0\r\n" + name + " : 5\r\n\r\n", ChunkError::bad_trailer);
  }
  check_decoded("0\r\nX: y\r\nContent-Length: 5\r\n\r\n", "", "X: y\r\n");
}

TEST_CASE("RFC 9112 7.1.2: a trailer is a valid field line") {
  check_refused("0\r\nbroken\r\n\r\n", ChunkError::bad_trailer);
  check_refused("0\r\n: y\r\n\r\n", ChunkError::bad_trailer);
  check_refused("0\r\nX : y\r\n\r\n", ChunkError::bad_trailer);
  check_refused("0\r\nX: y\r\n z\r\n\r\n", ChunkError::bad_trailer);
  check_refused("0\r\nX: y\x01\r\n\r\n", ChunkError::bad_trailer);
  check_refused("0\r\nX: y\rz\r\n\r\n", ChunkError::bad_trailer);
  check_refused("0\r\nX: y\n\r\n", ChunkError::missing_crlf);
  check_refused("0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ChunkError::bad_trailer);
}

TEST_CASE("RFC 9112 7.1.2: the trailer section is bounded") {
  // What is dropped was received all the same.
  check_refused("0\r\nVia: " + std::string(60, 'y') + "\r\nVia: " + std::string(60, 'y') + "\r\n\r\n",
                ChunkError::trailer_too_large);
  check_decoded("0\r\nX: " + std::string(95, 'y') + "\r\n\r\n", "", "X: " + std::string(95, 'y') + "\r\n");
  check_refused("0\r\nX: " + std::string(96, 'y') + "\r\n\r\n", ChunkError::trailer_too_large);
  check_refused("0\r\n" + std::string(200, 'y'), ChunkError::trailer_too_large);
  check_refused("0\r\nX: y\r\n\r\n", ChunkError::trailer_too_large, 4);
  check_refused("0\r\nX: y\r\n\r\n", ChunkError::trailer_too_large, 0);
}

TEST_CASE("trailers with an underscore are dropped where that is asked for, but count against the bound") {
  ChunkDecoder dropping(100, Underscores::drop);
  CHECK(dropping.next("0\r\nX-A: 1\r\nX_B: 2\r\nX-C: 3\r\n\r\n").consumed == 29);
  CHECK(dropping.trailers() == "X-A: 1\r\nX-C: 3\r\n");
  ChunkDecoder endless(100, Underscores::drop);
  std::string text = "0\r\n";
  for (int i = 0; i < 50; ++i) text += "X_Y: 1\r\n";
  for (auto rest = std::string_view(text); !rest.empty() && endless.error() == ChunkError::none;)
    rest.remove_prefix(endless.next(rest).consumed);
  CHECK(describe(endless.error()) == describe(ChunkError::trailer_too_large));
}

TEST_CASE("after its end or an error the decoder takes nothing more") {
  ChunkDecoder done;
  REQUIRE(done.next("0\r\n\r\nmore").consumed == 5);
  CHECK(done.next("more").consumed == 0);
  ChunkDecoder failed;
  static_cast<void>(failed.next("x"));
  REQUIRE(failed.error() == ChunkError::bad_size);
  CHECK(failed.next("5\r\n").consumed == 0);
}

TEST_CASE("the line that opens a chunk") {
  struct Row {
    std::uint64_t size;
    std::string_view line;
  };
  const Row rows[] = {{0, "0\r\n"},   {1, "1\r\n"},         {15, "f\r\n"},
                      {16, "10\r\n"}, {0x1a2b, "1a2b\r\n"}, {~std::uint64_t{0}, "ffffffffffffffff\r\n"}};
  for (const auto& row : rows) {
    char out[18];
    const auto size = write_chunk_header(out, row.size);
    CHECK(std::string_view(out, size) == row.line);
  }
}

TEST_CASE("what is encoded anew decodes to the same body") {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::string body;
    std::string coded;
    for (auto chunks = random() % 6; chunks > 0; --chunks) {
      std::string chunk(1 + random() % 300, '\0');
      for (auto& byte : chunk) byte = static_cast<char>(random());
      char opening[18];
      coded.append(opening, write_chunk_header(opening, chunk.size())).append(chunk).append("\r\n");
      body += chunk;
    }
    check_decoded(coded + "0\r\n\r\n", body);
  }
}
