#include "examples/socket-pod/http_session.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "examples/socket-pod/answers.hpp"
#include "examples/socket-pod/pod.hpp"
#include "examples/socket-pod/web_socket.hpp"

namespace tidegate::pod {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

namespace {

constexpr std::chrono::seconds idle_timeout{65};
constexpr std::uint64_t body_limit = 64U << 20U;

// Writes `bytes` letters in pieces, in constant memory.
asio::awaitable<bool> write_big(beast::tcp_stream& stream, const Request& request, std::uint64_t bytes) {
  http::response<http::empty_body> head{http::status::ok, request.version()};
  head.set(http::field::content_type, "application/octet-stream");
  head.content_length(bytes);
  head.keep_alive(request.keep_alive());
  http::response_serializer<http::empty_body> serializer(head);
  auto [error, ignored] = co_await http::async_write_header(stream, serializer, as_values);
  static const std::string piece(64 * 1024, 'x');
  std::uint64_t left = request.method() == http::verb::head ? 0 : bytes;
  while (!error && left > 0) {
    stream.expires_after(idle_timeout);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
    auto [write_error, written] = co_await asio::async_write(stream, asio::buffer(piece, size), as_values);
    error = write_error;
    left -= written;
  }
  co_return !error && request.keep_alive();
}

asio::awaitable<bool> write_answer(beast::tcp_stream& stream, Response response) {
  const bool keep_alive = response.keep_alive();
  auto [error, ignored] = co_await http::async_write(stream, response, as_values);
  co_return !error && keep_alive;
}

// Answers one request; false ends the connection.
asio::awaitable<bool> answer(beast::tcp_stream& stream, const Request& request, Pod& pod) {
  const Target target(request.target());
  if (target.path == "/big") co_return co_await write_big(stream, request, target.number("bytes", 1U << 20U));
  if (target.path == "/slow") {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             std::chrono::milliseconds(target.number("ms", 1000)));
    co_await timer.async_wait(as_values);
    stream.expires_after(idle_timeout);
  }
  co_return co_await write_answer(stream, make_answer(request, target, pod));
}

}  // namespace

asio::awaitable<void> serve(asio::ip::tcp::socket socket, Pod& pod) {
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  for (bool goes_on = true; goes_on;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(body_limit);
    stream.expires_after(idle_timeout);
    auto [error, ignored] = co_await http::async_read(stream, buffer, parser, as_values);
    if (error) break;
    if (beast::websocket::is_upgrade(parser.get()) && opens_socket(parser.get(), pod)) {
      stream.expires_never();
      std::make_shared<WebSocket>(stream.release_socket(), pod)->accept(parser.get());
      co_return;
    }
    stream.expires_never();
    goes_on = co_await answer(stream, parser.get(), pod);
  }
  boost::system::error_code ignored;
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

}  // namespace tidegate::pod
