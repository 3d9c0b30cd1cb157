// One plain HTTP request, for readiness, control and statistics.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace tidegate::prove {

struct Answer {
  unsigned status = 0;
  std::string body;
};

// Sends `method target` and reads the answer; none on any failure or after `patience`.
boost::asio::awaitable<std::optional<Answer>> fetch(boost::asio::ip::tcp::endpoint server, std::string method,
                                                    std::string target, std::chrono::milliseconds patience);
// The same over a Unix socket.
boost::asio::awaitable<std::optional<Answer>> fetch(boost::asio::local::stream_protocol::endpoint server,
                                                    std::string method, std::string target,
                                                    std::chrono::milliseconds patience);

// Asks for `target` again and again until it answers 200; false after `patience`.
boost::asio::awaitable<bool> wait_until_ok(boost::asio::ip::tcp::endpoint server, std::string target,
                                           std::chrono::milliseconds patience);

// Waits on the current executor.
boost::asio::awaitable<void> pause(std::chrono::milliseconds time);

}  // namespace tidegate::prove
