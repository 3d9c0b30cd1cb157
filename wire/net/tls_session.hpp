// One TLS connection, on a socket that `Stream` owns: OpenSSL reads and writes the descriptor itself (kernel
// TLS needs that, and no byte is copied through memory BIOs).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/ssl.h>
#include <sys/uio.h>

#include "wire/net/failure.hpp"

namespace tidegate::net {

struct SslFree {
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

// What a call that would block has to wait for; it need not be what the call is named after.
enum class Want : std::uint8_t { nothing, readable, writable };

// Belongs to one stream of one loop. An idle session holds no record buffers (SSL_MODE_RELEASE_BUFFERS).
class TlsSession {
 public:
  // `ssl` is set to accept or to connect. `keeper` is kept until the handshake is over: what its callbacks
  // look into.
  TlsSession(SslPtr ssl, int socket, std::shared_ptr<const void> keeper);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // No error: the handshake is complete. `would_block` with `want` set: call again then.
  [[nodiscard]] error_code handshake(Want& want);
  // 0 is the end of the stream, see `truncated`. EPROTO: the peer sends handshake messages instead of data.
  [[nodiscard]] IoResult read(std::span<char> into, Want& want);
  // Neither the socket nor OpenSSL has more: the last read from the socket was a short one, nothing of it is
  // left, and nothing was reported since. Saves the read that would block.
  [[nodiscard]] bool is_drained() const;
  // The socket is reported readable anew.
  void note_arrival() { emptied_ = false; }
  // As many records as the socket takes; small pieces share one. After `would_block` the same bytes must come
  // again, at their front and no fewer (SSL_write(3)).
  [[nodiscard]] IoResult write(std::span<const iovec> pieces, Want& want);
  // Says that nothing follows (`close_notify`); best effort.
  void say_end();
  // `say_end` does nothing from now on: the peer is to see that it was cut off.
  void leave_unended() { broken_ = true; }

  // Reads what is no application data, such as session tickets. True if nothing else has arrived and the peer
  // is there.
  [[nodiscard]] bool is_quiet();
  // The stream ended by FIN without `close_notify`: somebody on the way may have cut it (RFC 8446 6.1).
  [[nodiscard]] bool truncated() const { return truncated_; }

  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
  // The name that the client asked for, empty if none; as sent.
  [[nodiscard]] std::string_view server_name() const;
  [[nodiscard]] std::string_view alpn() const;
  [[nodiscard]] bool resumed() const { return ::SSL_session_reused(ssl_.get()) != 0; }

 private:
  [[nodiscard]] error_code failure(int result, Want& want);
  static void on_event(const SSL* ssl, int where, int);
  static long on_socket_call(BIO* socket, int call, const char*, std::size_t size, int, long, int result,
                             std::size_t* processed);

  SslPtr ssl_;
  std::shared_ptr<const void> keeper_;
  bool emptied_ = false;  // the last read from the socket took all it had
  bool truncated_ = false;
  bool broken_ = false;  // nothing may be sent: a fatal error came first (SSL_shutdown(3))
  bool flooded_ = false;
  std::uint8_t chatter_ = 0;  // events of the protocol's own since the last data
};

}  // namespace tidegate::net
