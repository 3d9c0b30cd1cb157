// A client's connection to a hop on 127.0.0.1, in clear text or under TLS.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <sys/types.h>

#include "wire/net/tls_session.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::bench {

// Without a socket until it is begun.
class Link {
 public:
  Link() = default;
  // Begins to connect. Throws std::system_error.
  [[nodiscard]] static Link begin(std::uint16_t port, bool tls);

  // One step towards an open connection, when epoll has reported `awaited`: true once it is open. Throws
  // std::runtime_error if it failed. May be called when it is open.
  [[nodiscard]] bool open();
  // Epoll's event that the next step needs.
  [[nodiscard]] std::uint32_t awaited() const;

  // As recv(2).
  [[nodiscard]] ssize_t receive(std::span<char> into);
  // Writes all of a short text; false if the peer has gone. Waits where the socket is full.
  [[nodiscard]] bool send(std::string_view bytes);

  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  net::UniqueFd socket_;
  net::SslPtr tls_;
  bool connected_ = false;
  bool open_ = false;
};

}  // namespace tidegate::bench
