// One WebSocket of a client, from connect to the end of its Close.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "tests/prove/client_stream.hpp"
#include "tests/prove/tally.hpp"

namespace tidegate::prove {

// What all conversations of a load share.
struct Load {
  boost::asio::ip::tcp::endpoint hop;
  std::shared_ptr<boost::asio::ssl::context> tls;  // null: in clear text
  // Clients come from so many loopback addresses: the ports of one would run out in a long run.
  unsigned addresses = 8;
  std::chrono::milliseconds shortest_hold{1000};
  std::chrono::milliseconds longest_hold{4000};
  std::chrono::milliseconds handshake_patience{15'000};
  std::chrono::milliseconds message_patience{15'000};
  std::chrono::steady_clock::time_point began;  // times in samples count from here
  Tally tally;
  std::mt19937 random{20230920};
};

// Connects, waits for the greeting, sends a message and its echo back, holds, does so once more and closes.
// While it holds it goes on reading, as the other side may close at any time. Counts everything into the
// load's tally, and calls `ended` exactly once. One thread.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  // `completed`: all messages were echoed and the Close was this client's own, and answered.
  using Ended = std::function<void(bool completed)>;

  // `client` and `number` tell messages of different conversations apart.
  Conversation(boost::asio::io_context& context, Load& load, unsigned client, unsigned number);

  void start(Ended ended);
  // Ends the hold early: the second message follows within half a second, then the Close.
  void wind_up();

 private:
  using Error = boost::system::error_code;
  enum class Step { connecting, handshaking, greeting, first_echo, holding, second_echo, closing, done };

  void connect();
  void handshake();
  void after_handshake(const Error& error);
  void read();
  void after_read(const Error& error);
  void take(std::string_view message);
  void send(Step next);
  void hold();
  void close();
  void after_close(const Error& error);
  void arm(std::chrono::milliseconds time);
  void at_deadline();
  void fail_handshake(NoAnswer kind, const std::string& detail);
  void end_with_close(std::uint16_t code);
  void lose(Loss loss, const std::string& detail);
  void end(bool completed);
  void note(const std::string& what);

  boost::asio::io_context& context_;
  Load& load_;
  unsigned client_;
  unsigned number_;
  boost::beast::websocket::stream<ClientStream> stream_;
  boost::asio::steady_timer timer_;
  boost::beast::websocket::response_type response_;
  boost::beast::flat_buffer incoming_;
  std::string outgoing_;
  Step step_ = Step::connecting;
  std::uint64_t armed_ = 0;  // tells the deadline in force from one already on its way
  bool echo_due_ = false;
  bool winding_up_ = false;
  std::chrono::steady_clock::time_point began_;
  Ended ended_;
};

}  // namespace tidegate::prove
