// A client that sends what a test tells it, byte by byte.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/raw_socket.hpp"

namespace tidegate::test {

class RawClient : public RawSocket {
 public:
  // Connects to 127.0.0.1, or to another literal address (`host` may be IPv6), or to a Unix socket by its
  // path. `receive_buffer` (bytes, 0: the system's choice) bounds what the kernel takes for a client that
  // does not read.
  explicit RawClient(std::uint16_t port, const std::string& host = "127.0.0.1", int receive_buffer = 0);
  explicit RawClient(const std::string& unix_path);
  // From another of the loopback addresses.
  [[nodiscard]] static RawClient from(const std::string& source, std::uint16_t port);
  // Those above speak TLS where the tests are run under it (tls_everywhere.hpp); this one never does.
  [[nodiscard]] static RawClient in_clear_text(std::uint16_t port, const std::string& host = "127.0.0.1");
  // Speaks TLS by a session of the test's own.
  RawClient(std::uint16_t port, net::SslPtr session);

  // Sends a GET on this connection and reads its answer.
  [[nodiscard]] Answer get(const std::string& target = "/", const std::string& fields = "");

 private:
  using RawSocket::RawSocket;
};

}  // namespace tidegate::test
