// The load by k6 instead of the built-in clients.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/prove/options.hpp"

namespace tidegate::prove {

// Throws Missing, with what to install, if k6 or the script is not there.
void require_k6(const Options& options);

// Runs the script against `hop` with the options' clients and time, its output going to the terminal; its
// exit status (128 and more: ended by a signal).
boost::asio::awaitable<int> run_k6(boost::asio::io_context& context, const Options& options,
                                   boost::asio::ip::tcp::endpoint hop);

}  // namespace tidegate::prove
