#include "examples/socket-pod/pod.hpp"

#include <csignal>
#include <cstdio>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <unistd.h>

#include "examples/socket-pod/http_session.hpp"
#include "examples/socket-pod/web_socket.hpp"

namespace tidegate::pod {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto in_values = asio::as_tuple(asio::use_awaitable);

namespace {

// How long the process waits for its sockets' Close after the port refuses.
constexpr std::chrono::seconds exit_patience{5};

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

}  // namespace

Pod::Pod(asio::io_context& context, Options options)
    : context_(context),
      options_(std::move(options)),
      acceptor_(context),
      signals_(context, SIGTERM, SIGINT) {
  const tcp::endpoint address(asio::ip::make_address(options_.host), options_.port);
  acceptor_.open(address.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  if (options_.reuse_port) acceptor_.set_option(ReusePort(true));
  // Bound but not listening: the port is ours, and the kernel refuses connections to it.
  acceptor_.bind(address);
}

void Pod::start() {
  asio::co_spawn(context_, run_start(), asio::detached);
  asio::co_spawn(context_, watch_signals(), asio::detached);
}

asio::awaitable<void> Pod::sleep(std::chrono::milliseconds time) {
  if (time.count() == 0) co_return;
  asio::steady_timer timer(context_, time);
  co_await timer.async_wait(in_values);
}

void Pod::enter(Phase phase) {
  life_.phase = phase;
  const auto port = acceptor_.is_open() ? acceptor_.local_endpoint().port() : options_.port;
  std::printf("%s %s:%u %s, %llu sockets\n", options_.name.c_str(), options_.host.c_str(), unsigned{port},
              std::string(text(phase)).c_str(), static_cast<unsigned long long>(life_.counts.sockets));
  std::fflush(stdout);
}

asio::awaitable<void> Pod::run_start() {
  if (options_.start_refuse.count() > 0) enter(Phase::refusing);
  co_await sleep(options_.start_refuse);
  if (ending_) co_return;
  acceptor_.listen(asio::socket_base::max_listen_connections);
  asio::co_spawn(context_, accept(), asio::detached);
  if (options_.start_unready.count() > 0) {
    enter(Phase::unready);
    co_await sleep(options_.start_unready);
    if (ending_) co_return;
  }
  enter(Phase::serving);
}

asio::awaitable<void> Pod::accept() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(in_values);
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error) {
      // Out of descriptors: the queue waits in the kernel until some are free again.
      co_await sleep(std::chrono::milliseconds(50));
      continue;
    }
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    asio::co_spawn(context_, serve(std::move(socket), *this), asio::detached);
  }
}

asio::awaitable<void> Pod::watch_signals() {
  co_await signals_.async_wait(in_values);
  ending_ = true;
  asio::co_spawn(context_, run_end(), asio::detached);
  co_await signals_.async_wait(in_values);
  context_.stop();
}

asio::awaitable<void> Pod::run_end() {
  if (options_.pre_stop.count() > 0) {
    if (life_.phase == Phase::serving) enter(Phase::pre_stop);
    co_await sleep(options_.pre_stop);
  }
  enter(Phase::leaving);
  send_all_away();
  co_await sleep(options_.grace);
  enter(Phase::closed);
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  const auto patience_ends = Clock::now() + exit_patience;
  while (!sockets_.empty() && Clock::now() < patience_ends) co_await sleep(std::chrono::milliseconds(10));
  context_.stop();
}

void Pod::send_all_away() {
  // A copy, as a socket whose farewell fails at once takes itself out of the set.
  std::vector<std::shared_ptr<WebSocket>> leaving;
  leaving.reserve(sockets_.size());
  for (auto* socket : sockets_) leaving.push_back(socket->shared_from_this());
  for (const auto& socket : leaving) socket->send_away();
}

std::string Pod::next_socket_id() {
  return std::to_string(::getpid()) + "." + std::to_string(++last_socket_id_);
}

std::string Pod::statistics() const {
  const auto now = Clock::now();
  return boost::json::serialize(boost::json::object{{"name", options_.name},
                                                    {"pid", ::getpid()},
                                                    {"phase", text(life_.phase)},
                                                    {"ready", life_.ready_status(now) == 200},
                                                    {"sockets", life_.counts.sockets},
                                                    {"peak", life_.counts.peak},
                                                    {"handshakes", life_.counts.handshakes},
                                                    {"handshakesUnready", life_.counts.handshakes_unready},
                                                    {"messages", life_.counts.messages}});
}

void Pod::add(WebSocket& socket) {
  sockets_.insert(&socket);
  life_.count_opened(Clock::now());
}

void Pod::remove(WebSocket& socket) {
  sockets_.erase(&socket);
}

}  // namespace tidegate::pod
