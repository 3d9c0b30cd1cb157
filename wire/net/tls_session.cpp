#include "wire/net/tls_session.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include <openssl/err.h>

#include "wire/net/tls_error.hpp"

namespace tidegate::net {
namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
// Go allows 16 records in a row without data, rustls 32 key updates.
constexpr std::uint8_t kMostChatter = 64;

std::string_view text_of(const iovec& piece) {
  return {static_cast<const char*>(piece.iov_base), piece.iov_len};
}

// The bytes of the next record: those of the first piece where they fill it or are all there is, else as much
// of several as fits. The same pieces always give the same bytes, which OpenSSL asks for when a write is
// repeated.
std::string_view next_record(std::span<const iovec> pieces, std::span<char, kRecord> together) {
  const auto first = text_of(pieces.front());
  if (pieces.size() == 1 || first.size() >= kRecord) return first.substr(0, kRecord);
  std::size_t size = 0;
  for (const auto& piece : pieces) {
    const auto part = text_of(piece).substr(0, kRecord - size);
    std::memcpy(together.data() + size, part.data(), part.size());
    size += part.size();
    if (size == kRecord) break;
  }
  return {together.data(), size};
}

}  // namespace

TlsSession::TlsSession(SslPtr ssl, int socket, std::shared_ptr<const void> keeper)
    : ssl_(std::move(ssl)), keeper_(std::move(keeper)) {
  if (::SSL_set_fd(ssl_.get(), socket) != 1) throw std::bad_alloc();
  if (SSL_set_app_data(ssl_.get(), this) != 1) throw std::bad_alloc();
  auto* const source = ::SSL_get_rbio(ssl_.get());
  ::BIO_set_callback_arg(source, reinterpret_cast<char*>(this));
  ::BIO_set_callback_ex(source, on_socket_call);
}

// SSL_read does not return before it has data or the socket is empty. A peer that sends nothing but key
// updates (TLS 1.3) or wishes for another handshake (TLS 1.2), some 30 bytes that he can make beforehand and
// that cost this side 10 us, would keep the thread for as long as he likes. So he is cut off: what OpenSSL
// has read already is the last it gets.
void TlsSession::on_event(const SSL* ssl, int where, int) {
  auto& session = *static_cast<TlsSession*>(SSL_get_app_data(ssl));
  if ((where & (SSL_CB_LOOP | SSL_CB_ALERT)) == 0 || session.flooded_) return;
  if (++session.chatter_ <= kMostChatter) return;
  session.flooded_ = session.broken_ = true;
  ::SSL_set0_rbio(session.ssl_.get(), ::BIO_new(::BIO_s_null()));
}

// NOLINTNEXTLINE(readability-function-size)
long TlsSession::on_socket_call(BIO* socket, int call, const char*, std::size_t size, int, long, int result,
                                std::size_t* processed) {
  if (call == (BIO_CB_READ | BIO_CB_RETURN)) {
    // Kernel TLS gives one record at a time, whatever else has come.
    reinterpret_cast<TlsSession*>(::BIO_get_callback_arg(socket))->emptied_ =
        result > 0 && *processed < size && !BIO_get_ktls_recv(socket);
  }
  return result;
}

bool TlsSession::is_drained() const {
  return emptied_ && ::SSL_has_pending(ssl_.get()) == 0;
}

error_code TlsSession::failure(int result, Want& want) {
  const int number = errno;
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: want = Want::readable; return make_error(EAGAIN);
    case SSL_ERROR_WANT_WRITE: want = Want::writable; return make_error(EAGAIN);
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      ::ERR_clear_error();
      return make_error(number != 0 ? number : ECONNRESET);
    default: broken_ = true; return take_tls_error();
  }
}

error_code TlsSession::handshake(Want& want) {
  ::ERR_clear_error();
  errno = 0;
  const int result = ::SSL_do_handshake(ssl_.get());
  if (result != 1) return failure(result, want);
  keeper_.reset();
  ::SSL_set_info_callback(ssl_.get(), on_event);
  return {};
}

IoResult TlsSession::read(std::span<char> into, Want& want) {
  ::ERR_clear_error();
  errno = 0;
  std::size_t count = 0;
  const int result = ::SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
  if (result == 1) {
    chatter_ = 0;
    return count;
  }
  if (flooded_) {
    ::ERR_clear_error();
    return make_error(EPROTO);
  }
  if (::SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
  const auto error = failure(result, want);
  if (error.category() == tls_category() && error.value() == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    truncated_ = true;
    return std::size_t{0};
  }
  return error;
}

IoResult TlsSession::write(std::span<const iovec> pieces, Want& want) {
  std::array<char, kRecord> together;
  std::array<iovec, 8> left;
  auto rest = std::span(left).first(std::min(left.size(), pieces.size()));
  std::copy_n(pieces.begin(), rest.size(), rest.begin());
  std::size_t written = 0;
  while (!rest.empty()) {
    const auto record = next_record(rest, together);
    std::size_t count = 0;
    if (!record.empty()) {
      ::ERR_clear_error();
      errno = 0;
      const int result = ::SSL_write_ex(ssl_.get(), record.data(), record.size(), &count);
      if (result != 1) {
        const auto error = failure(result, want);
        if (written > 0 && would_block(error)) return written;
        return error;
      }
    }
    written += count;
    while (!rest.empty() && count >= rest.front().iov_len) {
      count -= rest.front().iov_len;
      rest = rest.subspan(1);
    }
    if (count > 0) {
      rest.front().iov_base = static_cast<char*>(rest.front().iov_base) + count;
      rest.front().iov_len -= count;
    }
  }
  return written;
}

void TlsSession::say_end() {
  if (broken_ || ::SSL_is_init_finished(ssl_.get()) == 0) return;
  ::ERR_clear_error();
  ::SSL_shutdown(ssl_.get());
  ::ERR_clear_error();
}

bool TlsSession::is_quiet() {
  if (broken_) return false;
  char byte = 0;
  std::size_t count = 0;
  ::ERR_clear_error();
  errno = 0;
  const int result = ::SSL_peek_ex(ssl_.get(), &byte, 1, &count);
  if (result == 1) return false;
  Want want = Want::nothing;
  return would_block(failure(result, want)) && want == Want::readable;
}

std::string_view TlsSession::server_name() const {
  const char* const name = ::SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : std::string_view();
}

std::string_view TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace tidegate::net
