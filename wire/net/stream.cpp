#include "wire/net/stream.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace tidegate::net {

std::unique_ptr<Stream> Stream::adopt(EventLoop& loop, UniqueFd socket, error_code& error) {
  auto stream = std::make_unique<Stream>(loop, std::move(socket));
  error = loop.watch(stream->descriptor(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *stream);
  if (error) return nullptr;
  return stream;
}

void Stream::on_ready(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;

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

IoResult Stream::try_write(std::string_view bytes) {
  if (!writable_) return make_error(EAGAIN);
  for (;;) {
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) writable_ = false;
    return last_error();
  }
}

IoResult Stream::try_write(std::span<const iovec> pieces) {
  if (!writable_) return make_error(EAGAIN);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  for (;;) {
    const auto count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) writable_ = false;
    return last_error();
  }
}

void Stream::shutdown_write() {
  ::shutdown(socket_.get(), SHUT_WR);
}

void Stream::reset_on_close() {
  const linger abort{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

bool Stream::is_quiet() const {
  if (readable_ || hung_up_) return false;
  char byte = 0;
  return ::recv(socket_.get(), &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

error_code Stream::connect_error() const {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &value, &size) != 0) return last_error();
  return value == 0 ? error_code() : make_error(value);
}

}  // namespace tidegate::net
