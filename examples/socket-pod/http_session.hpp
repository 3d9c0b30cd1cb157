// One connection to the pod while it speaks HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace tidegate::pod {

class Pod;

// Answers requests until the connection ends or becomes a WebSocket.
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, Pod& pod);

}  // namespace tidegate::pod
