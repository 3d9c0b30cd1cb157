// HTTP/1.1 clients that send one request after another on connections that stay open.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidegate::bench {

// Sends `total` small GETs over `connections` to 127.0.0.1:`port`, each connection having one under way.
// Throws std::runtime_error at any answer but 200 and at a connection that ends.
void send_requests(std::uint16_t port, std::size_t connections, std::uint64_t total, bool tls = false);

// The same; how long each took, from its first byte sent to the last of its answer.
[[nodiscard]] std::vector<std::chrono::nanoseconds> time_requests(std::uint16_t port, std::size_t connections,
                                                                  std::uint64_t total);

}  // namespace tidegate::bench
