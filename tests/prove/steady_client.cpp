#include "tests/prove/steady_client.hpp"

#include <charconv>
#include <cstdio>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>

#include "tests/prove/fetch.hpp"
#include "tests/prove/hop.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

namespace {

constexpr milliseconds interval{200};  // between two messages
// Before a client comes back; not all at once.
constexpr milliseconds shortest_rest{50};
constexpr milliseconds longest_rest{200};

milliseconds between(Load& load, milliseconds low, milliseconds high) {
  std::uniform_int_distribution<milliseconds::rep> any(low.count(), high.count());
  return milliseconds(any(load.random));
}

// Of `pod-2`.
std::size_t pod_number(std::string_view name) {
  std::size_t number = 0;
  const auto dash = name.rfind('-');
  if (dash != std::string_view::npos)
    std::from_chars(name.data() + dash + 1, name.data() + name.size(), number);
  return number;
}

}  // namespace

SteadyClient::SteadyClient(asio::io_context& context, Load& load, DrainRecord& record, Place place)
    : context_(context),
      load_(load),
      record_(record),
      place_(std::move(place)),
      deadline_(context),
      interval_(context) {}

asio::awaitable<void> SteadyClient::run() {
  while (!leaving_) {
    co_await visit();
    if (!leaving_) co_await pause(between(load_, shortest_rest, longest_rest));
  }
}

void SteadyClient::leave() {
  leaving_ = true;
  interval_.cancel();
}

asio::awaitable<void> SteadyClient::visit() {
  ++visit_;
  said_ = heard_ = 0;
  greeted_ = over_ = timed_out_ = false;
  stream_ = std::make_unique<Stream>(context_);
  if (load_.tls) stream_->next_layer().use_tls(*load_.tls);
  const bool opened = co_await open();
  if (!opened) co_return;
  co_await listen();
  over_ = true;
  deadline_.cancel();
  interval_.cancel();
  Error ignored;
  stream_->next_layer().socket().close(ignored);
  while (talking_) co_await pause(milliseconds(1));
}

asio::awaitable<bool> SteadyClient::open() {
  const auto began = Clock::now();
  arm(load_.handshake_patience);
  auto& socket = stream_->next_layer().socket();
  auto [connect_error] = co_await socket.async_connect(load_.hop, as_values);
  if (connect_error) co_return fail_handshake(classify(connect_error), connect_error.message());
  Error ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto [tls_error] = co_await asio::async_initiate<decltype(as_values), void(Error)>(
      [this](auto handler) { stream_->next_layer().async_prepare(std::move(handler)); }, as_values);
  if (tls_error) co_return fail_handshake(classify(tls_error), "TLS: " + tls_error.message());
  websocket::response_type response;
  const auto host = load_.hop.address().to_string() + ":" + std::to_string(load_.hop.port());
  auto [error] = co_await stream_->async_handshake(response, host, place_.target, as_values);
  if (error == websocket::error::upgrade_declined && response.result_int() != 101) {
    ++load_.tally.statuses[response.result_int()];
    ++load_.tally.handshakes;
    note("status " + std::to_string(response.result_int()) + " " + std::string(response["Proxy-Status"]));
    co_return false;
  }
  if (error) co_return fail_handshake(classify(error), error.message());
  ++load_.tally.handshakes;
  ++load_.tally.switched;
  ++load_.tally.open;
  load_.tally.times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began));
  const auto name = response["X-Pod"];
  pod_ = std::min(pod_number({name.data(), name.size()}), record_.pods.size() - 1);
  ++record_.pods[pod_].open;
  co_return true;
}

asio::awaitable<void> SteadyClient::listen() {
  arm(load_.message_patience);
  Error error;
  while (!error) {
    std::size_t size = 0;
    std::tie(error, size) = co_await stream_->async_read(incoming_, as_values);
    if (error) continue;
    arm(load_.message_patience);
    const auto message = boost::beast::buffers_to_string(incoming_.data());
    incoming_.consume(incoming_.size());
    take(message);
  }
  incoming_.consume(incoming_.size());
  --load_.tally.open;
  --record_.pods[pod_].open;
  // Who has said goodbye judges its answer.
  if (!goodbye_said_) end_with(error);
}

void SteadyClient::take(std::string_view message) {
  if (!greeted_) {
    greeted_ = true;
    ++record_.pods[pod_].greetings;
    talking_ = true;
    return asio::co_spawn(context_, talk(), asio::detached);
  }
  ++record_.pods[pod_].echoes;
  if (message == words(heard_ + 1)) {
    ++heard_;
    ++load_.tally.echoed;
    return;
  }
  ++load_.tally.losses[Loss::wrong_echo];
  note("number " + std::to_string(heard_ + 1) + " was due, and it is: " + std::string(message.substr(0, 60)));
}

asio::awaitable<void> SteadyClient::talk() {
  interval_.expires_after(between(load_, milliseconds(0), interval));
  co_await interval_.async_wait(as_values);
  while (!over_ && !leaving_) {
    outgoing_ = words(++said_);
    stream_->text(true);
    ++load_.tally.sent;
    // A failed write shows in the read that is under way.
    co_await stream_->async_write(asio::buffer(outgoing_), as_values);
    interval_.expires_after(interval);
    if (!over_ && !leaving_) co_await interval_.async_wait(as_values);
  }
  if (!over_) co_await say_goodbye();
  talking_ = false;
}

asio::awaitable<void> SteadyClient::say_goodbye() {
  while (!over_ && heard_ < said_) co_await pause(milliseconds(5));
  if (over_) co_return;
  goodbye_said_ = true;
  auto [error] = co_await stream_->async_close(websocket::close_code::normal, as_values);
  // Of the read and the close under way the one that met the answer tells of it; the other is only aborted.
  if (!error || (error == asio::error::operation_aborted && !timed_out_)) {
    ++load_.tally.closed_by_us;
    co_return;
  }
  lose(Loss::no_close_answer, error.message());
}

std::string SteadyClient::words(std::uint64_t number) const {
  auto text = "client " + std::to_string(place_.number) + " visit " + std::to_string(visit_) + " number " +
              std::to_string(number) + " ";
  // Lengths on both sides of 126, where the frame header grows.
  text.resize(64 + (place_.number * 7 + number * 13) % 200, '~');
  return text;
}

void SteadyClient::arm(milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([this](Error error) {
    if (error || !stream_) return;
    timed_out_ = true;
    Error ignored;
    stream_->next_layer().socket().close(ignored);
  });
}

bool SteadyClient::fail_handshake(NoAnswer kind, const std::string& detail) {
  deadline_.cancel();
  kind = timed_out_ ? NoAnswer::timeout : kind;
  ++load_.tally.handshakes;
  ++load_.tally.unanswered[kind];
  note("handshake: " + std::string(text(kind)) + ", " + detail);
  return false;
}

void SteadyClient::end_with(const Error& error) {
  if (timed_out_) return lose(greeted_ ? Loss::no_echo : Loss::no_greeting, "in time");
  if (error != websocket::error::closed) return lose(Loss::no_close_frame, error.message());
  const auto& close = stream_->reason();
  const bool as_configured =
      close.code == drain_code && std::string_view(close.reason.data(), close.reason.size()) == drain_reason;
  record_.closings.push_back({Clock::now(), pod_, as_configured});
  ++load_.tally.closes[close.code];
  load_.tally.cut_short += said_ - heard_;
}

void SteadyClient::lose(Loss loss, const std::string& detail) {
  ++load_.tally.losses[loss];
  note(std::string(text(loss)) + ": " + detail);
}

void SteadyClient::note(const std::string& what) {
  const auto since = std::chrono::duration<double>(Clock::now() - load_.began).count();
  char head[80];
  std::snprintf(head, sizeof head, "%7.3f s client %u of pod-%zu: ", since, place_.number, pod_);
  load_.tally.note(head + what);
}

}  // namespace tidegate::prove
