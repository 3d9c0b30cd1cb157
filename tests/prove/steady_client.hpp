// A client that is always there: it talks all the time, and comes back when it was sent away.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "tests/prove/client_stream.hpp"
#include "tests/prove/conversation.hpp"
#include "tests/prove/drain_record.hpp"

namespace tidegate::prove {

inline constexpr const char* default_target = "/app/hex-ws?protocol=7";

// Sends numbered messages at an interval, whether the echoes have come or not, and holds each echo against
// the next number. Counts everything into the load's tally and the record. One thread.
class SteadyClient {
 public:
  struct Place {
    unsigned number = 0;  // tells its messages from those of others
    std::string target;   // a path of the pods' and a query
  };
  // All of these outlive it, and it outlives `run`.
  SteadyClient(boost::asio::io_context& context, Load& load, DrainRecord& record, Place place);

  // One socket after another until `leave`; returns after the last one's end.
  boost::asio::awaitable<void> run();
  // Says no more, waits for the echoes that are due and closes.
  void leave();

 private:
  using Error = boost::system::error_code;
  using Stream = boost::beast::websocket::stream<ClientStream>;

  boost::asio::awaitable<void> visit();
  boost::asio::awaitable<bool> open();
  boost::asio::awaitable<void> talk();
  boost::asio::awaitable<void> say_goodbye();
  boost::asio::awaitable<void> listen();
  void take(std::string_view message);
  [[nodiscard]] std::string words(std::uint64_t number) const;
  void arm(std::chrono::milliseconds time);
  bool fail_handshake(NoAnswer kind, const std::string& detail);
  void end_with(const Error& error);
  void lose(Loss loss, const std::string& detail);
  void note(const std::string& what);

  boost::asio::io_context& context_;
  Load& load_;
  DrainRecord& record_;
  const Place place_;
  unsigned visit_ = 0;
  std::unique_ptr<Stream> stream_;  // of the visit
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer interval_;
  boost::beast::flat_buffer incoming_;
  std::string outgoing_;
  std::uint64_t said_ = 0;   // in this visit
  std::uint64_t heard_ = 0;  // echoes in this visit
  std::size_t pod_ = 0;
  bool greeted_ = false;
  bool over_ = false;       // the visit's socket has ended
  bool talking_ = false;    // `talk` is running
  bool timed_out_ = false;  // the deadline has ended the socket
  bool leaving_ = false;
  bool goodbye_said_ = false;
};

}  // namespace tidegate::prove
