// What a client's WebSocket runs on: a TCP socket, with TLS or without.
#pragma once

#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>

namespace tidegate::prove {

// Beast's AsyncStream over one of the two.
class ClientStream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using executor_type = Socket::executor_type;

  explicit ClientStream(boost::asio::io_context& context) : socket_(context) {}

  [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
  [[nodiscard]] Socket& socket() { return socket_; }

  // Before the connect, or not at all.
  void use_tls(boost::asio::ssl::context& context) { tls_.emplace(socket_, context); }
  // At once where there is no TLS.
  template <class Handler>
  void async_prepare(Handler&& handler) {
    if (!tls_) return handler(boost::system::error_code());
    tls_->async_handshake(boost::asio::ssl::stream_base::client, std::forward<Handler>(handler));
  }

  // The serial number of the certificate that the other side has shown; -1: none.
  [[nodiscard]] long peer_serial() {
    X509* const certificate = tls_ ? ::SSL_get1_peer_certificate(tls_->native_handle()) : nullptr;
    if (certificate == nullptr) return -1;
    const long serial = ::ASN1_INTEGER_get(::X509_get0_serialNumber(certificate));
    ::X509_free(certificate);
    return serial;
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Token>(token));
    return socket_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Token>(token));
    return socket_.async_write_some(buffers, std::forward<Token>(token));
  }
  // Beast asks for these as well; nobody waits here.
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    return tls_ ? tls_->read_some(buffers, error) : socket_.read_some(buffers, error);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    return tls_ ? tls_->write_some(buffers, error) : socket_.write_some(buffers, error);
  }

 private:
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
};

// How Beast ends a stream that timed out.
inline void beast_close_socket(ClientStream& stream) {
  boost::system::error_code ignored;
  stream.socket().close(ignored);
}

// How Beast ends a stream after the Close of both sides: the server ends first (RFC 6455 7.1.1), and what it
// says last is not waited for.
template <class Handler>
void async_teardown(boost::beast::role_type, ClientStream& stream, Handler&& handler) {
  boost::system::error_code error;
  stream.socket().shutdown(boost::asio::socket_base::shutdown_send, error);
  boost::asio::post(stream.get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
    handler(boost::system::error_code());
  });
}
inline void teardown(boost::beast::role_type, ClientStream& stream, boost::system::error_code& error) {
  stream.socket().shutdown(boost::asio::socket_base::shutdown_send, error);
}

}  // namespace tidegate::prove
