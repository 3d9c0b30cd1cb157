#include "gateway/exchange/greeting.hpp"

#include <string_view>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "gateway/process/worker.hpp"
#include "wire/net/tls_error.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::string_view kClearTextAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 45\r\n"
    "Connection: close\r\n\r\nThis port speaks TLS: ask by https or by wss\n";

HandshakeFailure classify(const net::error_code& error) {
  if (error.category() != net::tls_category())
    return error.value() == ETIMEDOUT ? HandshakeFailure::timeout : HandshakeFailure::connection_lost;
  switch (error.value()) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return HandshakeFailure::clear_text;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return HandshakeFailure::connection_lost;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return HandshakeFailure::client_certificate;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_APPLICATION_PROTOCOL: return HandshakeFailure::nothing_in_common;
    case SSL_R_CALLBACK_FAILED:
    case SSL_R_CLIENTHELLO_TLSEXT: return HandshakeFailure::unknown_name;
    default: return HandshakeFailure::other;
  }
}

// Clients that leave or dawdle are counted only: the internet is full of them.
std::string refusal(SSL* ssl, HandshakeFailure failure, const net::error_code& error) {
  if (failure == HandshakeFailure::timeout || failure == HandshakeFailure::connection_lost) return {};
  if (failure == HandshakeFailure::clear_text) return "clear text came to a port that speaks TLS";
  std::string why = "TLS handshake: " + error.message();
  const auto verdict = ::SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) why.append(": ").append(::X509_verify_cert_error_string(verdict));
  const char* const name = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return why +
         (name != nullptr ? std::string(", server name ") + name : std::string(", without a server name"));
}

// Its place among the handshakes under way, for as long as it lasts.
class HandshakeSeat final : public IdleNode {
 public:
  explicit HandshakeSeat(IdleNode& connection) : connection_(connection) { set_client(connection.client()); }
  bool give_way() override { return connection_.give_way(); }

 private:
  IdleNode& connection_;
};

net::Task<net::error_code> await_step(Worker& worker, net::TimePoint deadline, int steps_per_turn) {
  while (!worker.take_handshake_step(steps_per_turn)) {
    if (worker.now() >= deadline) co_return net::make_error(ETIMEDOUT);
    net::NextTurn next_turn(worker.loop());
    co_await next_turn;
  }
  co_return net::error_code();
}

// The first step has been granted.
net::Task<net::error_code> shake_hands(Worker& worker, net::Stream& stream, net::TimePoint deadline,
                                       int steps_per_turn) {
  for (;;) {
    net::Want want = net::Want::nothing;
    const auto error = stream.try_handshake(want);
    if (!net::would_block(error)) co_return error;
    net::Wait wait(worker.loop());
    if (want == net::Want::readable) wait.readable(stream);
    if (want == net::Want::writable) wait.writable(stream);
    wait.until(deadline);
    if (co_await wait == net::Cause::deadline) co_return net::make_error(ETIMEDOUT);
    const auto late = co_await await_step(worker, deadline, steps_per_turn);
    if (late) co_return late;
  }
}

}  // namespace

net::Task<Greeting> greet(Worker& worker, net::Stream& stream, const net::TlsServer& server,
                          const conf::Listener& settings, IdleNode& connection) {
  const auto deadline = worker.now() + settings.timeouts.tls_handshake;
  net::Wait wait(worker.loop());
  wait.readable(stream).until(deadline);
  auto& counters = worker.counters();
  if (co_await wait == net::Cause::deadline) {
    counters.handshake_failures_by_kind[static_cast<std::size_t>(HandshakeFailure::timeout)].add();
    co_return Greeting();
  }
  HandshakeSeat seat(connection);
  auto error = co_await await_step(worker, deadline, settings.tls->handshakes);
  if (!error) {
    worker.add_handshake(seat);
    stream.secure(server.accept(stream.descriptor()));
    error = co_await shake_hands(worker, stream, deadline, settings.tls->handshakes);
  }
  if (!error) {
    (stream.tls()->resumed() ? counters.handshakes_resumed : counters.handshakes_full).add();
    Greeting greeting;
    greeting.secured = true;
    co_return greeting;
  }
  const auto failure = classify(error);
  counters.handshake_failures_by_kind[static_cast<std::size_t>(failure)].add();
  Greeting greeting;
  if (stream.tls() != nullptr) greeting.refused = refusal(stream.tls()->ssl(), failure, error);
  if (failure == HandshakeFailure::clear_text) {
    stream.secure(nullptr);
    (void)stream.try_write(kClearTextAnswer);
  }
  co_return greeting;
}

}  // namespace tidegate::gateway
