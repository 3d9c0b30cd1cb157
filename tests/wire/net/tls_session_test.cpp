#include "wire/net/tls_session.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
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
    trusting.choices.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
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
  void send_raw(std::string_view bytes) const {
    REQUIRE(::send(client_socket_.get(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
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

// === records of TLS 1.2, since OpenSSL's client makes no second wish before it has an answer ===

// The client's key and salt of AES-128-GCM, out of the key block (RFC 5246 6.3, RFC 5288 3).
struct Keys {
  std::array<unsigned char, 40> block{};

  explicit Keys(const SSL* client) {
    constexpr std::string_view label = "key expansion";
    std::array<unsigned char, 48> secret{};
    std::array<unsigned char, label.size() + 64> seed{};
    std::copy(label.begin(), label.end(), seed.begin());
    ::SSL_SESSION_get_master_key(::SSL_get_session(client), secret.data(), secret.size());
    ::SSL_get_server_random(client, seed.data() + label.size(), 32);
    ::SSL_get_client_random(client, seed.data() + label.size() + 32, 32);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        ::OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        ::OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
        ::OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
        ::OSSL_PARAM_construct_end()};
    auto* const prf = ::EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr);
    auto* const context = ::EVP_KDF_CTX_new(prf);
    CHECK(::EVP_KDF_derive(context, block.data(), block.size(), parameters) == 1);
    ::EVP_KDF_CTX_free(context);
    ::EVP_KDF_free(prf);
  }
};

// The client's record of this number, which holds the header of a hello.
std::string hello_record(const Keys& keys, std::uint8_t number) {
  std::array<unsigned char, 13> header{0, 0, 0, 0, 0, 0, 0, number, 22, 3, 3, 0, 4};
  std::array<unsigned char, 12> nonce{};
  std::copy_n(keys.block.begin() + 32, 4, nonce.begin());
  std::copy_n(header.begin(), 8, nonce.begin() + 4);
  constexpr std::array<unsigned char, 4> hello{1, 0, 0, 0};
  std::array<unsigned char, 20> sealed{};
  int size = 0;
  auto* const cipher = ::EVP_CIPHER_CTX_new();
  ::EVP_EncryptInit_ex(cipher, ::EVP_aes_128_gcm(), nullptr, keys.block.data(), nonce.data());
  ::EVP_EncryptUpdate(cipher, nullptr, &size, header.data(), header.size());
  ::EVP_EncryptUpdate(cipher, sealed.data(), &size, hello.data(), hello.size());
  ::EVP_EncryptFinal_ex(cipher, sealed.data(), &size);
  ::EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, sealed.data() + 4);
  ::EVP_CIPHER_CTX_free(cipher);
  std::string record("\x16\x03\x03\x00\x1c", 5);
  record.append(header.begin(), header.begin() + 8);
  return record.append(sealed.begin(), sealed.end());
}

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

TEST_CASE("a client that wishes for nothing but other handshakes is cut off") {
  const Pair pair(TLS1_2_VERSION);
  const Keys keys(pair.client.get());
  pair.send_raw(hello_record(keys, 1));
  CHECK(pair.read() == "later");
  std::string records;
  for (std::uint8_t number = 2; number < 200; ++number) records += hello_record(keys, number);
  pair.send_raw(records);
  CHECK(pair.read() == make_error(EPROTO).message());
}
