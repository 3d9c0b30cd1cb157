// Non-blocking TCP on 127.0.0.1.
#pragma once

#include <cstdint>
#include <string_view>

#include "wire/net/unique_fd.hpp"

namespace tidegate::bench {

struct ListeningSocket {
  net::UniqueFd socket;
  std::uint16_t port = 0;
};
// On a free port. Throws std::system_error, as all of these do.
[[nodiscard]] ListeningSocket listen_on_free_port();
// A port that was free just now.
[[nodiscard]] std::uint16_t free_port();
// Begins to connect; the socket turns writable when that is done.
[[nodiscard]] net::UniqueFd begin_connect(std::uint16_t port);
// The same with segments and a receive buffer so small that the sender soon has to wait for the reader, as
// over a real network; on loopback the kernel would take megabytes in between.
[[nodiscard]] net::UniqueFd begin_narrow_connect(std::uint16_t port);
// 0 if the connection is there, else errno.
[[nodiscard]] int connect_error(int socket);
// Writes all of a short text; false if the peer has gone. Waits where the socket is full.
[[nodiscard]] bool write_all(int socket, std::string_view bytes);
// Makes the close that follows send RST.
void reset_on_close(int socket);

}  // namespace tidegate::bench
