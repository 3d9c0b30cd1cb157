// One WebSocket of the pod, from the accepted handshake to its end.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace tidegate::pod {

class Pod;

// Greets, echoes and, when the pod leaves, says farewell and closes with 4200. Reading and writing alternate,
// so a client that does not read stops being read. Lives as long as an operation is under way; one thread.
class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
  using Request = boost::beast::http::request<boost::beast::http::string_body>;

  WebSocket(boost::asio::ip::tcp::socket socket, Pod& pod);
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  // Answers 101 and runs the socket; `request` is the upgrade request read before.
  void accept(const Request& request);

  // Sends the farewell and Close 4200, after the write under way if there is one.
  void send_away();

 private:
  void greet();
  void read();
  void answer_message();
  void write(std::string message, bool is_text);
  void say_farewell();
  void close();
  void finish();
  void count_closed();

  boost::beast::websocket::stream<boost::asio::ip::tcp::socket> stream_;
  Pod& pod_;
  boost::beast::flat_buffer incoming_;
  std::string outgoing_;
  bool listed_ = false;   // known to the pod
  bool counted_ = false;  // and counted as open
  bool writing_ = false;  // the handshake, the greeting or an echo is being written
  bool leaving_ = false;  // the farewell was ordered
};

}  // namespace tidegate::pod
