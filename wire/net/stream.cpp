#include "wire/net/stream.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "wire/net/write_all.hpp"

namespace tidegate::net {

namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

std::unique_ptr<Stream> Stream::adopt(EventLoop& loop, UniqueFd socket, error_code& error) {
  auto stream = std::make_unique<Stream>(loop, std::move(socket));
  error = loop.watch(stream->descriptor(), kEvents, *stream);
  if (error) return nullptr;
  return stream;
}

void Stream::pause() {
  loop_.unwatch(descriptor());
  loop_.forget(*this);
}

// The loop tells what there is anew.
error_code Stream::resume() {
  readable_ = writable_ = false;
  return loop_.watch(descriptor(), kEvents, *this);
}

// Closing alone does not end the events of a socket while another process has it too, if only for the moment
// between its fork and its exec.
Stream::~Stream() {
  pause();
  // Without it the peer could not tell this end from one that was forged (RFC 8446 6.1).
  if (tls_) tls_->say_end();
}

void Stream::on_ready(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    readable_ = true;
    if (tls_) tls_->note_arrival();
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  if (read_needs_room_ && writable_) readable_ = true;
  if (write_needs_bytes_ && readable_) writable_ = true;

  // Any wake may destroy this stream: what is needed is taken first, and only one waiter is woken on this
  // stack.
  Waiter* const reading = readable_ ? reader : nullptr;
  Waiter* const writing = writable_ ? writer : nullptr;
  Waiter* const watching = hung_up_ ? hangup_watcher : nullptr;
  if (writing != nullptr && writing != reading) loop_.wake_soon(*writing, Cause::writable);
  if (watching != nullptr && watching != reading && watching != writing)
    loop_.wake_soon(*watching, Cause::hangup);
  if (reading != nullptr) reading->wake(Cause::readable);
}

IoResult Stream::try_read(std::span<char> into) {
  if (!readable_) return make_error(EAGAIN);
  if (tls_) return read_secure(into);
  for (;;) {
    const auto count = ::recv(socket_.get(), into.data(), into.size(), 0);
    if (count >= 0) {
      // A short read has emptied the socket: the next byte makes a new edge. After a FIN there is no new
      // edge, and the end is still to be read.
      if (static_cast<std::size_t>(count) < into.size() && !hung_up_) readable_ = false;
      return static_cast<std::size_t>(count);
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) readable_ = false;
    return last_error();
  }
}

IoResult Stream::try_peek(std::span<char> into) {
  if (!readable_) return make_error(EAGAIN);
  for (;;) {
    const auto count = ::recv(socket_.get(), into.data(), into.size(), MSG_PEEK);
    if (count < 0 && errno == EINTR) continue;
    // What comes from now on makes a new edge; behind a FIN nothing comes any more.
    if (!hung_up_) readable_ = false;
    if (count < 0) return last_error();
    return static_cast<std::size_t>(count);
  }
}

bool Stream::take_peeked(std::size_t size, std::size_t seen, std::span<char> scratch) {
  for (std::size_t taken = 0; taken < size;) {
    const auto count = ::recv(socket_.get(), scratch.data(), std::min(size - taken, scratch.size()), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    taken += static_cast<std::size_t>(count);
  }
  if (seen > size) readable_ = true;
  return true;
}

IoResult Stream::try_write(std::string_view bytes) {
  if (!writable_) return make_error(EAGAIN);
  if (tls_) {
    const iovec piece = piece_of(bytes);
    return write_secure({&piece, 1});
  }
  for (;;) {
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return write_failed(last_error());
  }
}

IoResult Stream::try_write(std::span<const iovec> pieces) {
  if (!writable_) return make_error(EAGAIN);
  if (tls_) return write_secure(pieces);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  for (;;) {
    const auto count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return write_failed(last_error());
  }
}

// After ENOBUFS or ENOMEM the connection itself stands, and both sides would wait for each other: it is
// ended, so that what has come is read and then the end. One that is lost already loses nothing.
error_code Stream::write_failed(const error_code& error) {
  if (would_block(error)) {
    writable_ = false;
  } else {
    ::shutdown(socket_.get(), SHUT_RDWR);
  }
  return error;
}

error_code Stream::try_handshake(Want& want) {
  const auto error = tls_->handshake(want);
  if (!would_block(error)) return error;
  (want == Want::readable ? readable_ : writable_) = false;
  return error;
}

IoResult Stream::read_secure(std::span<char> into) {
  Want want = Want::nothing;
  read_needs_room_ = false;
  auto read = tls_->read(into, want);
  // As in clear text: the next byte makes a new edge, but behind a FIN the end is still to be read.
  if (read.has_value() && *read > 0 && !hung_up_ && tls_->is_drained()) readable_ = false;
  if (read.has_error() && would_block(read.error())) {
    readable_ = false;
    read_needs_room_ = want == Want::writable;
    if (read_needs_room_) writable_ = false;
  }
  return read;
}

IoResult Stream::write_secure(std::span<const iovec> pieces) {
  Want want = Want::nothing;
  write_needs_bytes_ = false;
  auto written = tls_->write(pieces, want);
  if (want != Want::nothing) {
    writable_ = false;
    write_needs_bytes_ = want == Want::readable;
    if (write_needs_bytes_) readable_ = false;
  } else if (written.has_error()) {
    return write_failed(written.error());
  }
  return written;
}

void Stream::shutdown_write() {
  if (tls_) tls_->say_end();
  ::shutdown(socket_.get(), SHUT_WR);
}

void Stream::reset_on_close() {
  if (tls_) tls_->leave_unended();
  const linger abort{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

bool Stream::is_quiet() {
  if (hung_up_) return false;
  if (tls_) {
    if (!tls_->is_quiet()) return false;
    readable_ = false;
    return true;
  }
  if (readable_) return false;
  char byte = 0;
  return ::recv(socket_.get(), &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

bool Stream::has_arrivals() const {
  if (tls_ && ::SSL_has_pending(tls_->ssl()) != 0) return true;
  char byte = 0;
  return ::recv(socket_.get(), &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
}

error_code Stream::connect_error() const {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &value, &size) != 0) return last_error();
  return value == 0 ? error_code() : make_error(value);
}

}  // namespace tidegate::net
