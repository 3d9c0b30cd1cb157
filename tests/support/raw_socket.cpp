#include "tests/support/raw_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace tidegate::test {
namespace {

int milliseconds(std::chrono::milliseconds time) {
  return static_cast<int>(time.count());
}

}  // namespace

RawSocket::RawSocket(net::UniqueFd fd) : fd_(std::move(fd)) {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawSocket::~RawSocket() {
  close();
}

void RawSocket::secure(net::SslPtr ssl) {
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
  ::SSL_set_fd(ssl.get(), fd_.get());
  for (;;) {
    ::ERR_clear_error();
    const int result = ::SSL_do_handshake(ssl.get());
    if (result == 1) break;
    const int error = ::SSL_get_error(ssl.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      const char* const reason = ::ERR_reason_error_string(::ERR_peek_error());
      throw Unexpected(std::string("TLS handshake: ") + (reason != nullptr ? reason : std::strerror(errno)));
    }
    wait_for(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, "shake hands");
  }
  tls_ = std::make_shared<Tls>();
  tls_->ssl = std::move(ssl);
}

RawSocket RawSocket::copy() const {
  RawSocket other(net::UniqueFd(::dup(fd_.get())));
  other.tls_ = tls_;
  return other;
}

bool RawSocket::has_pending() const {
  if (!tls_) return false;
  const std::lock_guard lock(tls_->mutex);
  return ::SSL_has_pending(ssl()) != 0;
}

ssize_t RawSocket::failed(int result) const {
  switch (::SSL_get_error(ssl(), result)) {
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_SYSCALL:
      if (errno == 0) errno = ECONNRESET;
      return -1;
    default: errno = ECONNRESET; return -1;  // an end without close_notify above all
  }
}

ssize_t RawSocket::read_once(char* into, std::size_t size) {
  if (!tls_) return ::recv(fd_.get(), into, size, MSG_DONTWAIT);
  const std::lock_guard lock(tls_->mutex);
  ::ERR_clear_error();
  errno = 0;
  const int count = ::SSL_read(ssl(), into, static_cast<int>(size));
  return count > 0 ? count : failed(count);
}

ssize_t RawSocket::write_once(std::string_view bytes) {
  if (!tls_) return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const std::lock_guard lock(tls_->mutex);
  ::ERR_clear_error();
  errno = 0;
  const int count = ::SSL_write(ssl(), bytes.data(), static_cast<int>(bytes.size()));
  return count > 0 ? count : failed(count);
}

void RawSocket::wait_for(short events, std::string_view purpose) {
  pollfd watched{fd_.get(), events, 0};
  if (::poll(&watched, 1, milliseconds(patience_)) == 0) {
    throw Unexpected("waited in vain to " + std::string(purpose) + "; unread: " + unread_);
  }
}

// === sending ===

void RawSocket::send(std::string_view bytes) {
  if (!try_send(bytes)) throw Unexpected("the peer does not take: " + std::string(bytes.substr(0, 200)));
}

bool RawSocket::try_send(std::string_view bytes) {
  return send_until_stuck(bytes, patience_) == bytes.size();
}

std::size_t RawSocket::send_until_stuck(std::string_view bytes, std::chrono::milliseconds quiet) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    pollfd watched{fd_.get(), POLLOUT, 0};
    if (::poll(&watched, 1, milliseconds(quiet)) == 0) break;
    const auto count = write_once(bytes.substr(sent));
    if (count < 0 && errno != EAGAIN && errno != EINTR) break;
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  return sent;
}

void RawSocket::send_split(std::initializer_list<std::string_view> pieces) {
  for (const auto piece : pieces) {
    send(piece);
    wait_until("the peer's kernel to take a piece", [&] {
      int queued = 0;
      return ::ioctl(fd_.get(), SIOCOUTQ, &queued) != 0 || queued == 0;
    });
  }
}

void RawSocket::send_split(std::string_view bytes, std::size_t piece_size) {
  for (std::size_t at = 0; at < bytes.size(); at += piece_size) send_split({bytes.substr(at, piece_size)});
}

// === receiving ===

std::optional<StreamEnd> RawSocket::fill(std::string_view purpose) {
  std::array<char, 64 * 1024> block;
  while (!ended_) {
    if (!has_pending()) wait_for(POLLIN, purpose);
    const auto count = read_once(block.data(), block.size());
    if (count == 0) ended_ = StreamEnd::orderly;
    if (count > 0) {
      unread_.append(block.data(), static_cast<std::size_t>(count));
      received_ += static_cast<std::uint64_t>(count);
      return std::nullopt;
    }
    if (count == 0 || errno == EAGAIN || errno == EINTR) continue;
    if (errno != ECONNRESET && errno != EPIPE) throw Unexpected(std::strerror(errno));
    ended_ = StreamEnd::reset;
  }
  return ended_;
}

std::string RawSocket::read_until(std::string_view end) {
  const std::string purpose = "read until " + std::string(end);
  for (std::size_t from = 0;;) {
    if (const auto found = unread_.find(end, from); found != std::string::npos)
      return read_exactly(found + end.size());
    from = unread_.size() < end.size() ? 0 : unread_.size() - end.size() + 1;
    if (fill(purpose)) throw Unexpected("the stream ended before it could " + purpose + ": " + unread_);
  }
}

std::string RawSocket::read_exactly(std::size_t size) {
  while (unread_.size() < size) {
    if (fill("read " + std::to_string(size) + " bytes")) {
      throw Unexpected("the stream ended after " + std::to_string(unread_.size()) + " of " +
                       std::to_string(size) + " bytes");
    }
  }
  auto bytes = unread_.substr(0, size);
  unread_.erase(0, size);
  return bytes;
}

void RawSocket::expect(std::string_view bytes) {
  const auto came = read_exactly(bytes.size());
  if (came != bytes) throw Unexpected("expected: " + std::string(bytes) + "\ncame: " + came);
}

std::string RawSocket::read_some() {
  if (unread_.empty() && fill("read anything")) return {};
  return std::exchange(unread_, {});
}

std::string RawSocket::read_to_end(StreamEnd* end) {
  for (;;) {
    const auto ended = fill("read to the end");
    if (!ended) continue;
    if (end != nullptr) *end = *ended;
    return std::exchange(unread_, {});
  }
}

StreamEnd RawSocket::expect_end() {
  const auto ended = unread_.empty() ? fill("see the end of the stream") : std::nullopt;
  if (!ended) throw Unexpected("bytes instead of an end: " + unread_.substr(0, 500));
  return *ended;
}

bool RawSocket::at_end() {
  if (!unread_.empty()) return false;
  pollfd watched{fd_.get(), POLLIN, 0};
  if (!has_pending()) ::poll(&watched, 1, -1);
  return fill("read anything").has_value();
}

bool RawSocket::has_input(std::chrono::milliseconds within) {
  const auto end = std::chrono::steady_clock::now() + within;
  for (;;) {
    if (!unread_.empty() || ended_) return true;
    const auto left =
        std::max(std::chrono::steady_clock::duration::zero(), end - std::chrono::steady_clock::now());
    pollfd watched{fd_.get(), POLLIN, 0};
    if (::poll(&watched, 1, milliseconds(std::chrono::ceil<std::chrono::milliseconds>(left))) <= 0)
      return false;
    if (!tls_) return true;
    // What came may be no more than a session ticket.
    std::array<char, 16 * 1024> block;
    const auto count = read_once(block.data(), block.size());
    if (count > 0) {
      unread_.append(block.data(), static_cast<std::size_t>(count));
      received_ += static_cast<std::uint64_t>(count);
    }
    if (count == 0) ended_ = StreamEnd::orderly;
    if (count < 0 && errno != EAGAIN && errno != EINTR) ended_ = StreamEnd::reset;
  }
}

Answer RawSocket::read_answer(bool to_head) {
  auto answer = parse_answer_head(read_head());
  const bool bodiless = to_head || answer.status < 200 || answer.status == 204 || answer.status == 304;
  if (!bodiless) read_body(answer, true);
  return answer;
}

Request RawSocket::read_request() {
  auto request = parse_request_head(read_head());
  read_body(request, false);
  return request;
}

void RawSocket::read_body(Message& message, bool until_end) {
  message.chunked = message.has("transfer-encoding");
  if (message.chunked) return read_chunks(message);
  const auto length = message.field("content-length");
  if (!length.empty()) {
    message.body = read_exactly(std::stoul(length));
  } else if (until_end) {
    message.body = read_to_end();
  }
}

void RawSocket::read_chunks(Message& message) {
  for (;;) {
    const auto size = std::stoul(read_until("\r\n"), nullptr, 16);
    if (size == 0) break;
    message.body += read_exactly(size);
    expect("\r\n");
  }
  for (auto line = read_until("\r\n"); line != "\r\n"; line = read_until("\r\n")) message.trailers += line;
}

// === ending ===

void RawSocket::close() {
  if (tls_ && fd_ && tls_.use_count() == 1) half_close();
  fd_.reset();
}

void RawSocket::half_close() {
  if (tls_) {
    const std::lock_guard lock(tls_->mutex);
    ::SSL_shutdown(ssl());
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

void RawSocket::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

}  // namespace tidegate::test
