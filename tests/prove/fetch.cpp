#include "tests/prove/fetch.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace tidegate::prove {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

namespace {

template <class Protocol>
asio::awaitable<std::optional<Answer>> ask(typename Protocol::endpoint server,
                                           http::request<http::empty_body> request,
                                           std::chrono::milliseconds patience) {
  beast::basic_stream<Protocol> stream(co_await asio::this_coro::executor);
  stream.expires_after(patience);
  auto [connect_error] = co_await stream.async_connect(server, as_values);
  if (connect_error) co_return std::nullopt;
  request.set(http::field::connection, "close");
  request.prepare_payload();
  auto [write_error, written] = co_await http::async_write(stream, request, as_values);
  if (write_error) co_return std::nullopt;
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  auto [read_error, read] = co_await http::async_read(stream, buffer, response, as_values);
  if (read_error) co_return std::nullopt;
  co_return Answer{response.result_int(), std::move(response.body())};
}

http::request<http::empty_body> request_for(std::string_view method, std::string_view target,
                                            const std::string& host) {
  http::request<http::empty_body> request{http::string_to_verb(method), target, 11};
  request.set(http::field::host, host);
  return request;
}

}  // namespace

asio::awaitable<std::optional<Answer>> fetch(tcp::endpoint server, std::string method, std::string target,
                                             std::chrono::milliseconds patience) {
  const auto host = server.address().to_string() + ":" + std::to_string(server.port());
  return ask<tcp>(server, request_for(method, target, host), patience);
}

asio::awaitable<std::optional<Answer>> fetch(asio::local::stream_protocol::endpoint server,
                                             std::string method, std::string target,
                                             std::chrono::milliseconds patience) {
  return ask<asio::local::stream_protocol>(std::move(server), request_for(method, target, "localhost"),
                                           patience);
}

asio::awaitable<void> pause(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(as_values);
}

asio::awaitable<bool> wait_until_ok(tcp::endpoint server, std::string target,
                                    std::chrono::milliseconds patience) {
  const auto patience_ends = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < patience_ends) {
    const auto answer = co_await fetch(server, "GET", target, std::chrono::seconds(2));
    if (answer && answer->status == 200) co_return true;
    co_await pause(std::chrono::milliseconds(20));
  }
  co_return false;
}

}  // namespace tidegate::prove
