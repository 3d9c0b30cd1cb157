#include "tests/bench/link.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include <openssl/err.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/loopback.hpp"
#include "wire/net/tls_context.hpp"

namespace tidegate::bench {
namespace {

// Whose certificate it is does not matter here. No tickets: every handshake is a full one.
SSL_CTX* client_context() {
  static const auto context = [] {
    auto made = net::make_context(::TLS_client_method(), {});
    ::SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);
    return made;
  }();
  return context.get();
}

void wait_for(int socket, int error) {
  pollfd waiting{socket, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
  ::poll(&waiting, 1, -1);
}

}  // namespace

Link Link::begin(std::uint16_t port, bool tls) {
  Link link;
  link.socket_ = begin_connect(port);
  if (!tls) return link;
  link.tls_.reset(::SSL_new(client_context()));
  ::SSL_set_fd(link.tls_.get(), link.socket_.get());
  ::SSL_set_connect_state(link.tls_.get());
  return link;
}

bool Link::open() {
  if (!connected_) {
    if (const int error = connect_error(socket_.get()))
      throw std::runtime_error(std::string("clients: connect: ") + std::strerror(error));
    connected_ = true;
  }
  if (open_ || !tls_) return open_ = true;
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(tls_.get());
  const int error = ::SSL_get_error(tls_.get(), result);
  if (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
    throw std::runtime_error("clients: a TLS handshake failed");
  return open_ = result == 1;
}

std::uint32_t Link::awaited() const {
  if (!connected_ || (!open_ && SSL_want_write(tls_.get()))) return EPOLLOUT;
  return EPOLLIN;
}

ssize_t Link::receive(std::span<char> into) {
  if (!tls_) return ::recv(socket_.get(), into.data(), into.size(), 0);
  ::ERR_clear_error();
  errno = 0;
  const int count = ::SSL_read(tls_.get(), into.data(), static_cast<int>(into.size()));
  if (count > 0) return count;
  switch (::SSL_get_error(tls_.get(), count)) {
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_SYSCALL: return errno == 0 ? 0 : -1;
    // An end without close_notify.
    default: return 0;
  }
}

bool Link::send(std::string_view bytes) {
  if (!tls_) return write_all(socket_.get(), bytes);
  while (!bytes.empty()) {
    ::ERR_clear_error();
    const int count = ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    const int error = ::SSL_get_error(tls_.get(), count);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
    wait_for(socket_.get(), error);
  }
  return true;
}

}  // namespace tidegate::bench
