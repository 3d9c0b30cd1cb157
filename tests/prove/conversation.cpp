#include "tests/prove/conversation.hpp"

#include <cstdio>
#include <utility>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>
#include <netinet/in.h>

namespace tidegate::prove {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// A port is taken when the connection is made and not when the address is bound, so that the same port can
// serve towards several destinations.
using NoPortYet = asio::detail::socket_option::boolean<IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT>;

milliseconds between(Load& load, milliseconds low, milliseconds high) {
  std::uniform_int_distribution<milliseconds::rep> any(low.count(), high.count());
  return milliseconds(any(load.random));
}

}  // namespace

Conversation::Conversation(asio::io_context& context, Load& load, unsigned client, unsigned number)
    : context_(context), load_(load), client_(client), number_(number), stream_(context), timer_(context) {
  if (load.tls) stream_.next_layer().use_tls(*load.tls);
}

void Conversation::start(Ended ended) {
  ended_ = std::move(ended);
  began_ = Clock::now();
  arm(load_.handshake_patience);
  connect();
}

void Conversation::connect() {
  auto& socket = stream_.next_layer().socket();
  Error error;
  socket.open(asio::ip::tcp::v4(), error);
  if (!error) socket.set_option(asio::ip::tcp::no_delay(true), error);
  if (!error) socket.set_option(NoPortYet(true), error);
  const auto source =
      asio::ip::address_v4(asio::ip::address_v4::loopback().to_uint() + 1 + client_ % load_.addresses);
  if (!error) socket.bind({source, 0}, error);
  if (error) {
    // Told by the event loop, as every other outcome is.
    return asio::post(context_, [self = shared_from_this(), error] {
      self->fail_handshake(NoAnswer::other, "here: " + error.message());
    });
  }
  socket.async_connect(load_.hop, [self = shared_from_this()](Error connect_error) {
    if (self->step_ == Step::done) return;
    if (connect_error) return self->fail_handshake(classify(connect_error), connect_error.message());
    self->stream_.next_layer().async_prepare([self](Error tls_error) {
      if (self->step_ == Step::done) return;
      if (tls_error) return self->fail_handshake(classify(tls_error), "TLS: " + tls_error.message());
      self->handshake();
    });
  });
}

void Conversation::handshake() {
  step_ = Step::handshaking;
  const auto host = load_.hop.address().to_string() + ":" + std::to_string(load_.hop.port());
  stream_.async_handshake(response_, host, "/app/hex-ws?protocol=7&client=js&version=7.4.1&flash=false",
                          [self = shared_from_this()](Error error) { self->after_handshake(error); });
}

void Conversation::after_handshake(const Error& error) {
  if (step_ == Step::done) return;
  if (error == websocket::error::upgrade_declined && response_.result_int() != 101) {
    ++load_.tally.statuses[response_.result_int()];
    ++load_.tally.handshakes;
    note("status " + std::to_string(response_.result_int()) + " " + std::string(response_["Proxy-Status"]));
    return end(false);
  }
  if (error) return fail_handshake(classify(error), error.message());
  ++load_.tally.handshakes;
  ++load_.tally.switched;
  ++load_.tally.open;
  load_.tally.times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_));
  step_ = Step::greeting;
  arm(load_.message_patience);
  read();
}

void Conversation::read() {
  stream_.async_read(incoming_,
                     [self = shared_from_this()](Error error, std::size_t) { self->after_read(error); });
}

void Conversation::after_read(const Error& error) {
  if (step_ == Step::done) return;
  if (error == websocket::error::closed) {
    if (step_ == Step::closing) return after_close({});
    return end_with_close(stream_.reason().code);
  }
  if (error && step_ == Step::closing) return after_close(error);
  if (error) return lose(Loss::no_close_frame, error.message());
  const std::string message = boost::beast::buffers_to_string(incoming_.data());
  incoming_.consume(incoming_.size());
  take(message);
  if (step_ != Step::done) read();
}

void Conversation::take(std::string_view message) {
  // What a leaving pod says ahead of its Close; the Close itself is what counts.
  if (message.find("\"pusher:error\"") != std::string_view::npos) return;
  switch (step_) {
    case Step::greeting:
      if (message.find("pusher:connection_established") == std::string_view::npos) {
        return lose(Loss::wrong_echo, "no greeting but " + std::string(message.substr(0, 60)));
      }
      return send(Step::first_echo);
    case Step::first_echo:
    case Step::second_echo:
      if (message != outgoing_) return lose(Loss::wrong_echo, std::string(message.substr(0, 60)));
      ++load_.tally.echoed;
      echo_due_ = false;
      return step_ == Step::first_echo ? hold() : close();
    case Step::closing: return;
    default: return lose(Loss::wrong_echo, "unasked: " + std::string(message.substr(0, 60)));
  }
}

void Conversation::send(Step next) {
  step_ = next;
  outgoing_ = "client " + std::to_string(client_) + " conversation " + std::to_string(number_) +
              (next == Step::first_echo ? " first" : " second") + " message ";
  // Lengths on both sides of 126, where the frame header grows; every other second message is binary.
  outgoing_.resize(64 + (client_ * 7 + number_ * 13) % 200, '~');
  stream_.binary(next == Step::second_echo && client_ % 2 == 1);
  ++load_.tally.sent;
  echo_due_ = true;
  arm(load_.message_patience);
  stream_.async_write(asio::buffer(outgoing_), [self = shared_from_this()](Error, std::size_t) {
    // A failed write shows in the read that is under way.
  });
}

void Conversation::hold() {
  step_ = Step::holding;
  if (winding_up_) return arm(between(load_, milliseconds(0), milliseconds(500)));
  arm(between(load_, load_.shortest_hold, load_.longest_hold));
}

void Conversation::wind_up() {
  winding_up_ = true;
  if (step_ == Step::holding) hold();
}

void Conversation::close() {
  step_ = Step::closing;
  arm(load_.message_patience);
  stream_.async_close(websocket::close_code::normal,
                      [self = shared_from_this()](Error error) { self->after_close(error); });
}

void Conversation::after_close(const Error& error) {
  if (step_ == Step::done) return;
  // Of the read and the close under way the one that met the answer tells of it; the other is only aborted.
  if (error == asio::error::operation_aborted) return;
  if (error) return lose(Loss::no_close_answer, error.message());
  ++load_.tally.closed_by_us;
  --load_.tally.open;
  end(true);
}

void Conversation::arm(milliseconds time) {
  const auto mine = ++armed_;
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this(), mine](Error error) {
    if (!error && mine == self->armed_ && self->step_ != Step::done) self->at_deadline();
  });
}

void Conversation::at_deadline() {
  switch (step_) {
    case Step::connecting: return fail_handshake(NoAnswer::timeout, "connecting");
    case Step::handshaking: return fail_handshake(NoAnswer::timeout, "waiting for the answer");
    case Step::greeting: return lose(Loss::no_greeting, "");
    case Step::first_echo:
    case Step::second_echo: return lose(Loss::no_echo, "");
    case Step::holding: return send(Step::second_echo);
    case Step::closing: return lose(Loss::no_close_answer, "in time");
    case Step::done: return;
  }
}

void Conversation::fail_handshake(NoAnswer kind, const std::string& detail) {
  ++load_.tally.handshakes;
  ++load_.tally.unanswered[kind];
  note("handshake: " + std::string(text(kind)) + ", " + detail);
  end(false);
}

void Conversation::end_with_close(std::uint16_t code) {
  ++load_.tally.closes[code];
  --load_.tally.open;
  if (echo_due_) ++load_.tally.cut_short;
  // Who was greeted was let in by a pod that did not leave yet.
  if (step_ == Step::greeting) ++load_.tally.turned_away;
  end(false);
}

void Conversation::lose(Loss loss, const std::string& detail) {
  ++load_.tally.losses[loss];
  --load_.tally.open;
  note(std::string(text(loss)) + ": " + detail);
  end(false);
}

void Conversation::end(bool completed) {
  step_ = Step::done;
  timer_.cancel();
  Error ignored;
  stream_.next_layer().socket().close(ignored);
  if (auto ended = std::exchange(ended_, nullptr)) ended(completed);
}

void Conversation::note(const std::string& what) {
  const auto since = std::chrono::duration<double>(Clock::now() - load_.began).count();
  char head[64];
  std::snprintf(head, sizeof head, "%7.3f s client %u: ", since, client_);
  load_.tally.note(head + what);
}

}  // namespace tidegate::prove
