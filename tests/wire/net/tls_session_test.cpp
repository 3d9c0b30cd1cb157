#include "wire/net/tls_session.hpp"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "wire/net/tls_client.hpp"
#include "wire/net/tls_server.hpp"
#include "wire/net/unique_fd.hpp"

using namespace tidegate::net;
using namespace tidegate::test;

namespace {

const auto kNow = std::chrono::system_clock::now();

// Both ends of a connection after its handshake; the client is OpenSSL alone.
class Pair {
 public:
  explicit Pair(int version = TLS1_3_VERSION) {
    const auto issued = authority_.issue();
    TlsServerSettings settings;
    settings.identities.push_back({{issued.certificate, issued.key, {}}, {}, {}});
    const auto server =
        TlsServer::make(std::move(settings), std::make_shared<TicketKeys>(std::chrono::hours(1)), kNow);
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    client_socket_.reset(ends[0]);
    server_socket_.reset(ends[1]);
    session = server->accept(server_socket_.get());
    TlsClientSettings trusting;
    trusting.authorities = authority_.file();
    client = TlsClient(trusting, kNow).session("localhost");
    ::SSL_set_max_proto_version(client.get(), version);
    ::SSL_set_fd(client.get(), client_socket_.get());
    for (bool done = false; !done;) {
      const bool client_done = ::SSL_do_handshake(client.get()) == 1;
      Want want = Want::nothing;
      const auto error = session->handshake(want);
      REQUIRE((!error || would_block(error)));
      done = client_done && !error;
    }
  }

  // All in one piece, as a client may have made them beforehand.
  void update_keys(int times, int kind = SSL_KEY_UPDATE_NOT_REQUESTED) const {
    auto* const memory = ::BIO_new(::BIO_s_mem());
    ::SSL_set0_wbio(client.get(), memory);
    for (int i = 0; i < times; ++i) {
      REQUIRE(::SSL_key_update(client.get(), kind) == 1);
      REQUIRE(::SSL_do_handshake(client.get()) == 1);
    }
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(memory, &bytes);
    REQUIRE(::send(client_socket_.get(), bytes, static_cast<std::size_t>(size), 0) == size);
    ::SSL_set0_wbio(client.get(), ::BIO_new_socket(client_socket_.get(), BIO_NOCLOSE));
  }
  void send(std::string_view text) const {
    REQUIRE(::SSL_write(client.get(), text.data(), static_cast<int>(text.size())) ==
            static_cast<int>(text.size()));
  }
  // `text`, `end`, or the error's.
  [[nodiscard]] std::string read() const {
    std::array<char, 100> into{};
    Want want = Want::nothing;
    const auto count = session->read(into, want);
    if (count.has_error()) return would_block(count.error()) ? "later" : count.error().message();
    return *count == 0 ? "end" : std::string(into.data(), *count);
  }
  std::unique_ptr<TlsSession> session;
  SslPtr client;

 private:
  Authority authority_;
  UniqueFd client_socket_;
  UniqueFd server_socket_;
};

}  // namespace

TEST_CASE("key updates between data change nothing") {
  const Pair pair;
  for (int i = 0; i < 100; ++i) {
    pair.update_keys(5, i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
    pair.send("data");
    CHECK(pair.read() == "data");
    CHECK(pair.read() == "later");
    // Takes the answers, which would fill the socket.
    std::array<char, 1> byte{};
    CHECK(::SSL_read(pair.client.get(), byte.data(), 1) == -1);
  }
}

// OpenSSL takes key updates for as long as there are any, within one call of SSL_read: 100,000 of them, 2.7
// MB that a client can have made beforehand, kept a worker and all its connections waiting for more than a
// second.
TEST_CASE("a client that sends nothing but key updates is cut off") {
  const Pair pair;
  pair.send("data");
  pair.update_keys(1000);
  pair.send("more");
  CHECK(pair.read() == "data");
  const auto cut = make_error(EPROTO).message();
  CHECK(pair.read() == cut);
  CHECK_FALSE(pair.session->is_quiet());
  CHECK(pair.read() == cut);
}

TEST_CASE("key updates that come while nobody reads are noticed, too") {
  const Pair pair;
  CHECK(pair.session->is_quiet());
  pair.update_keys(1);
  CHECK(pair.session->is_quiet());
  pair.update_keys(1000);
  CHECK_FALSE(pair.session->is_quiet());
}

TEST_CASE("a wish for another handshake is refused, and the connection goes on") {
  const Pair pair(TLS1_2_VERSION);
  pair.send("data");
  CHECK(pair.read() == "data");
  ::SSL_clear_options(pair.client.get(), SSL_OP_NO_RENEGOTIATION);
  REQUIRE(::SSL_renegotiate(pair.client.get()) == 1);
  CHECK(::SSL_do_handshake(pair.client.get()) != 1);
  CHECK(pair.read() == "later");
}
