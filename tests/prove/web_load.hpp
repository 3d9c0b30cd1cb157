// Clients with plain requests, one after another, on connections that are kept or new each time.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

namespace tidegate::prove {

struct WebCounts {
  std::uint64_t kept = 0;    // requests answered 200, on connections that stay open
  std::uint64_t fresh = 0;   // and on one of their own each
  std::uint64_t failed = 0;  // no connection, no answer, or another status
  std::uint64_t stale = 0;   // answered by a configuration that had been replaced before they were sent
  std::set<long> serials;    // of the certificates that were shown
  long last_serial = 0;      // the newest connection's
  std::vector<std::string> samples;  // the first failures
};

// What all of them share. It outlives them.
struct WebLoad {
  boost::asio::ip::tcp::endpoint plain;
  boost::asio::ip::tcp::endpoint secure;
  std::shared_ptr<boost::asio::ssl::context> tls;
  int in_force = 0;   // the newest configuration that the gateway has said to be
  bool over = false;  // all end after their present request
  int running = 0;
  WebCounts counts;
};

// Starts so many of each of the four kinds: kept or new connections, with TLS or in clear text.
void start_web_clients(boost::asio::io_context& context, WebLoad& load, int of_each);

}  // namespace tidegate::prove
