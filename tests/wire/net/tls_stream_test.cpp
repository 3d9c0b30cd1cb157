// A stream under TLS: when it is readable, and when it only was.
#include <csignal>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"
#include "wire/net/tls_context.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;
using namespace std::chrono_literals;
using tidegate::test::Authority;

namespace {

// The stream is the server's end; `client` speaks on the other.
struct SecurePair {
  explicit SecurePair(EventLoop& loop) : pair(tcp_pair(loop)) {
    std::signal(SIGPIPE, SIG_IGN);  // as the gateway does: OpenSSL writes without MSG_NOSIGNAL
    const auto issued = authority.issue();
    use_certificate(server_context.get(),
                    load_certificate({issued.certificate, issued.key, {}}, std::chrono::system_clock::now()));
    make_non_blocking(pair.peer.get());
    client.reset(::SSL_new(client_context.get()));
    ::SSL_set_fd(client.get(), pair.peer.get());
    ::SSL_set_connect_state(client.get());
    SslPtr server(::SSL_new(server_context.get()));
    ::SSL_set_accept_state(server.get());
    stream().secure(std::make_unique<TlsSession>(std::move(server), stream().descriptor(), nullptr));
  }
  [[nodiscard]] Stream& stream() const { return *pair.stream; }
  void say(const std::string& text) const {
    require(::SSL_write(client.get(), text.data(), static_cast<int>(text.size())) > 0, "SSL_write");
  }

  Authority authority;
  SslContextPtr server_context = make_context(::TLS_server_method(), {});
  SslContextPtr client_context = make_context(::TLS_client_method(), {});
  Pair pair;
  SslPtr client;
};

Task<> readable(Stream& stream) {
  Wait wait(stream.loop());
  wait.readable(stream).until(stream.loop().now() + 10s);
  const auto cause = co_await wait;
  require(cause == Cause::readable, "nothing to read");
}

Task<> shake_hands(SecurePair& p) {
  for (;;) {
    (void)::SSL_do_handshake(p.client.get());
    Want want = Want::nothing;
    const auto error = p.stream().try_handshake(want);
    if (!error) co_return;
    require(would_block(error), "handshake");
    (void)::SSL_do_handshake(p.client.get());
    co_await readable(p.stream());
  }
}

// So that what was sent by now has been reported.
Task<> next_batch(EventLoop& loop) {
  for (int i = 0; i < 2; ++i) {
    NextTurn next_turn(loop);
    co_await next_turn;
  }
}

std::string read_some(Stream& stream) {
  std::string text(64, '\0');
  const auto count = stream.try_read(text);
  if (count.has_error()) return would_block(count.error()) ? "nothing yet" : count.error().message();
  text.resize(*count);
  return text;
}

}  // namespace

TEST_CASE("under TLS too a short read empties a stream, and the next record makes it readable") {
  EventLoop loop;
  SecurePair pair(loop);
  run(loop, [](SecurePair& p) -> Task<> {
    co_await shake_hands(p);
    for (const std::string text : {"hello", "again"}) {
      p.say(text);
      co_await readable(p.stream());
      CHECK(read_some(p.stream()) == text);
      CHECK_FALSE(p.stream().readable());
    }
    CHECK(read_some(p.stream()) == "nothing yet");
  }(pair));
}

TEST_CASE("under TLS what OpenSSL has read ahead is not forgotten, nor what came meanwhile") {
  EventLoop loop;
  SecurePair pair(loop);
  run(loop, [](SecurePair& p) -> Task<> {
    co_await shake_hands(p);
    p.say("one");
    p.say("two");
    co_await readable(p.stream());
    CHECK(read_some(p.stream()) == "one");
    CHECK(p.stream().readable());
    // Its edge is taken while the second record still waits in OpenSSL's buffer.
    p.say("three");
    co_await next_batch(p.stream().loop());
    CHECK(read_some(p.stream()) == "two");
    CHECK(p.stream().readable());
    CHECK(read_some(p.stream()) == "three");
  }(pair));
}

TEST_CASE("under TLS the end of a stream comes after its bytes, in whatever order they are reported") {
  for (const bool together : {true, false}) {
    CAPTURE(together);
    EventLoop loop;
    SecurePair pair(loop);
    run(loop, [](SecurePair& p, bool at_once) -> Task<> {
      co_await shake_hands(p);
      p.say("last words");
      if (!at_once) co_await readable(p.stream());
      ::SSL_shutdown(p.client.get());
      ::shutdown(p.pair.peer.get(), SHUT_WR);
      co_await readable(p.stream());
      CHECK(read_some(p.stream()) == "last words");
      co_await readable(p.stream());
      CHECK(read_some(p.stream()).empty());
      CHECK_FALSE(p.stream().truncated());
    }(pair, together));
  }
}

TEST_CASE("under TLS a look whether a stream is quiet leaves its bytes to be read") {
  EventLoop loop;
  SecurePair pair(loop);
  run(loop, [](SecurePair& p) -> Task<> {
    co_await shake_hands(p);
    CHECK(p.stream().is_quiet());
    CHECK_FALSE(p.stream().readable());
    p.say("a request");
    co_await readable(p.stream());
    CHECK_FALSE(p.stream().is_quiet());
    CHECK(p.stream().readable());
    CHECK(read_some(p.stream()) == "a request");
    CHECK_FALSE(p.stream().readable());
  }(pair));
}
