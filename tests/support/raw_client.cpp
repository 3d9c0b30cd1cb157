#include "tests/support/raw_client.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "tests/support/tls_everywhere.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::test {
namespace {

net::UniqueFd connect_to(const std::optional<net::SocketAddress>& address, int receive_buffer) {
  if (!address) throw Unexpected("not an address to connect to");
  net::UniqueFd socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (receive_buffer > 0) {
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (::connect(socket.get(), address->data(), address->size()) != 0) {
    throw Unexpected("connect to " + address->text() + ": " + std::strerror(errno));
  }
  return socket;
}

}  // namespace

RawClient::RawClient(std::uint16_t port, const std::string& host, int receive_buffer)
    : RawSocket(connect_to(net::SocketAddress::from_ip(host, port), receive_buffer)) {
  if (tls_everywhere()) secure(client_session());
}

RawClient::RawClient(const std::string& unix_path)
    : RawSocket(connect_to(net::SocketAddress::from_path(unix_path), 0)) {
  if (tls_everywhere()) secure(client_session());
}

RawClient::RawClient(std::uint16_t port, net::SslPtr session)
    : RawSocket(connect_to(net::SocketAddress::from_ip("127.0.0.1", port), 0)) {
  secure(std::move(session));
}

RawClient RawClient::in_clear_text(std::uint16_t port, const std::string& host) {
  return RawClient(connect_to(net::SocketAddress::from_ip(host, port), 0));
}

RawClient RawClient::from(const std::string& source, std::uint16_t port) {
  const auto here = net::SocketAddress::from_ip(source, 0);
  const auto there = net::SocketAddress::from_ip("127.0.0.1", port);
  net::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(socket.get(), here->data(), here->size()) != 0 ||
      ::connect(socket.get(), there->data(), there->size()) != 0)
    throw Unexpected("connect from " + source + ": " + std::strerror(errno));
  RawClient client(std::move(socket));
  if (tls_everywhere()) client.secure(client_session());
  return client;
}

Answer RawClient::get(const std::string& target, const std::string& fields) {
  send("GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n");
  return read_answer();
}

}  // namespace tidegate::test
