#include "examples/socket-pod/web_socket.hpp"

#include <utility>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>

#include "examples/socket-pod/pod.hpp"
#include "examples/socket-pod/pusher.hpp"

namespace tidegate::pod {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Error = boost::system::error_code;

WebSocket::WebSocket(asio::ip::tcp::socket socket, Pod& pod) : stream_(std::move(socket)), pod_(pod) {}

WebSocket::~WebSocket() {
  finish();
}

void WebSocket::accept(const Request& request) {
  stream_.set_option(
      beast::websocket::stream_base::decorator([name = pod_.name()](beast::websocket::response_type& answer) {
        answer.set("X-Pod", name);
        answer.erase(beast::http::field::server);
      }));
  stream_.read_message_max(64U << 20U);
  // As uWebSockets does, and Soketi with it: a socket no longer counts from the moment the client's Close is
  // read, though the answer to it is still to be sent.
  stream_.control_callback([this](beast::websocket::frame_type kind, beast::string_view) {
    if (kind == beast::websocket::frame_type::close) count_closed();
  });
  listed_ = counted_ = true;
  pod_.add(*this);
  // The handshake is a write: a farewell ordered meanwhile waits for its end.
  writing_ = true;
  stream_.async_accept(request, [self = shared_from_this()](Error error) {
    self->writing_ = false;
    if (error) return self->finish();
    self->greet();
  });
}

void WebSocket::greet() {
  if (pod_.life().sends_away()) leaving_ = true;
  if (leaving_) return say_farewell();
  write(greeting(pod_.next_socket_id()), true);
}

void WebSocket::read() {
  stream_.async_read(incoming_, [self = shared_from_this()](Error error, std::size_t) {
    if (error) return self->finish();
    self->answer_message();
  });
}

void WebSocket::answer_message() {
  pod_.count_message();
  std::string message = beast::buffers_to_string(incoming_.data());
  incoming_.consume(incoming_.size());
  // While leaving, `close` reads on by itself. A second reader would hang together with it: in Beast 1.81 a
  // Close that is already buffered makes the read wait for the write lock and the close for the read lock.
  if (leaving_) return;
  const bool is_text = stream_.got_text();
  if (is_text) {
    if (auto answer = protocol_answer(message)) message = std::move(*answer);
  }
  write(std::move(message), is_text);
}

void WebSocket::write(std::string message, bool is_text) {
  outgoing_ = std::move(message);
  writing_ = true;
  stream_.text(is_text);
  stream_.async_write(asio::buffer(outgoing_), [self = shared_from_this()](Error error, std::size_t) {
    self->writing_ = false;
    if (error) return self->finish();
    if (self->leaving_) return self->say_farewell();
    self->read();
  });
}

void WebSocket::send_away() {
  if (leaving_) return;
  leaving_ = true;
  if (!writing_) say_farewell();
}

void WebSocket::say_farewell() {
  outgoing_ = farewell();
  stream_.text(true);
  stream_.async_write(asio::buffer(outgoing_), [self = shared_from_this()](Error error, std::size_t) {
    if (error) return self->finish();
    self->close();
  });
}

void WebSocket::close() {
  beast::websocket::close_reason reason(reconnect_code);
  reason.reason = "Server closed";
  stream_.async_close(reason, [self = shared_from_this()](Error) { self->finish(); });
}

void WebSocket::finish() {
  count_closed();
  if (std::exchange(listed_, false)) pod_.remove(*this);
}

void WebSocket::count_closed() {
  if (std::exchange(counted_, false)) pod_.count_closed();
}

}  // namespace tidegate::pod
