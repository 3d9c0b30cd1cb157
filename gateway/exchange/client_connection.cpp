#include "gateway/exchange/client_connection.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <spdlog/logger.h>

#include "gateway/exchange/client_limits.hpp"
#include "gateway/exchange/forward.hpp"
#include "gateway/exchange/greeting.hpp"
#include "gateway/exchange/head_limits.hpp"
#include "gateway/exchange/local_reply.hpp"
#include "gateway/exchange/variables.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/wait.hpp"
#include "wire/net/write_all.hpp"

namespace tidegate::gateway {
namespace {

constexpr conf::Duration kLastChance{1'000};
constexpr std::string_view kHeadTimeout =
    "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr int kRequestsPerTurn = 16;  // pipelined requests that are answered before others have their turn

}  // namespace

ClientConnection::ClientConnection(Worker& worker, EntrancePtr entrance, std::unique_ptr<net::Stream> stream,
                                   const net::SocketAddress& peer)
    : worker_(worker),
      entrance_(std::move(entrance)),
      stream_(std::move(stream)),
      address_(peer.host()),
      port_(peer.port()) {
  worker_.counters().connections_accepted.add();
  worker_.counters().connections_idle.add();
}

ClientConnection::~ClientConnection() {
  task_.reset();
  auto& counters = worker_.counters();
  (idle_ ? counters.connections_idle : counters.connections_active).subtract();
}

void ClientConnection::start() {
  set_client(worker_.client_of(*entrance_, address_));
  worker_.add_newcomer(*this);
  task_ = run();
  task_.start();
}

bool ClientConnection::is_leaving() const {
  return worker_.stopping() || entrance_->closed;
}

bool ClientConnection::close_if_idle() {
  if (!waiting_ || !stream_->is_quiet()) return false;
  worker_.retire(*this);
  return true;
}

bool ClientConnection::give_way() {
  if (retired || (waiting_ && !stream_->is_quiet())) return false;
  if (auto* const begun = std::exchange(head_begun_, nullptr)) {
    (void)stream_->try_write(kHeadTimeout);
    stream_->shutdown_write();
    begun->record.status = 408;
    begun->record.failure = FailureReason::request_timeout;
    begun->record.failure_details = "the head was not whole when its place was needed for another client";
    worker_.finish(*begun, nullptr);
  }
  worker_.retire(*this);
  return true;
}

void ClientConnection::abandon() {
  if (!idle_ && stream_) stream_->reset_on_close();
  worker_.retire(*this);
}

bool ClientConnection::has_room_for_client() {
  if (entrance_->view->listener_limits[entrance_->listener].empty()) return true;
  const auto full = ask_connection_limits(worker_, *entrance_, address_, places_);
  if (!full.empty())
    report_refusal(FailureReason::too_many_requests,
                   std::string("too many connections for the limit ").append(full), full);
  return full.empty();
}

net::Task<> ClientConnection::run() {
  // However it ends, its place becomes free: memory may run out at any step.
  try {
    bool admitted = true;
    if (entrance_->view->admissions[entrance_->listener].asks()) admitted = co_await introduce();
    if (admitted) admitted = has_room_for_client();
    if (admitted) admitted = co_await secure();
    if (!admitted) {
      worker_.retire(*this);
      co_return;
    }
    auto after = After::keep;
    int in_a_row = 0;
    while (after == After::keep) {
      if (in_.empty()) {
        in_.release();
        if (!co_await wait_for_request()) break;
      }
      idle_ = false;
      worker_.counters().connections_idle.subtract();
      worker_.counters().connections_active.add();
      auto exchange = worker_.take_exchange();
      // Memory may run out in the middle of a request; that ends this connection and no other.
      try {
        after = co_await serve(*exchange);
      } catch (const std::exception& error) {
        worker_.error_log().error("a request failed: {}", error.what());
        after = After::abort;
      }
      worker_.give_exchange(std::move(exchange));
      worker_.counters().connections_active.subtract();
      worker_.counters().connections_idle.add();
      idle_ = true;
      if (++in_a_row % kRequestsPerTurn == 0) {
        net::NextTurn next_turn(worker_.loop());
        co_await next_turn;
      }
    }
    in_.release();
    if (after == After::close) co_await linger();
    if (after == After::abort) stream_->reset_on_close();
  } catch (const std::exception& error) {
    worker_.error_log().error("a connection failed: {}", error.what());
  }
  worker_.retire(*this);
}

net::Task<bool> ClientConnection::secure() {
  const auto view = entrance_->view;
  const auto& server = view->tls->listeners[entrance_->listener];
  if (!server) co_return true;
  Greeting greeting;
  try {
    const auto& listener = view->config->listeners[entrance_->listener];
    greeting = co_await greet(worker_, *stream_, *server, listener, *this);
  } catch (const std::bad_alloc& error) {
    worker_.error_log().error("a TLS handshake failed: {}", error.what());
  }
  if (!greeting.refused.empty()) report_refusal(FailureReason::denied, greeting.refused);
  if (greeting.secured) tls_ = std::make_unique<const net::TlsFacts>(net::take_facts(*stream_->tls()));
  co_return greeting.secured;
}

net::Task<bool> ClientConnection::wait_for_request() {
  // A connection that was accepted in the last moment still has its first request on the way.
  const bool last_chance = is_leaving();
  if (last_chance && served_) co_return false;
  const auto& timeouts = entrance_->view->config->listeners[entrance_->listener].timeouts;
  const auto deadline = worker_.now() + (last_chance ? kLastChance : timeouts.client_keepalive);
  auto cause = net::Cause::none;
  waiting_ = true;
  if (served_) worker_.add_kept_alive(*this);
  do {
    net::Wait wait(worker_.loop());
    wait.readable(*stream_).until(deadline);
    cause = co_await wait;
    // Under TLS what arrives need not be a request, and nothing is held for one before it is there.
  } while (cause == net::Cause::readable && stream_->tls() != nullptr && stream_->is_quiet());
  waiting_ = false;
  if (served_) leave();  // a newcomer stays until its head is whole
  served_ = true;
  co_return cause == net::Cause::readable;
}

void ClientConnection::begin_record(Exchange& exchange) {
  exchange.view = entrance_->view;
  exchange.listener = entrance_->listener;
  exchange.started = net::Clock::now();
  exchange.peer_address = address_;
  exchange.client_address = address_;
  exchange.tls = tls_.get();
  const auto& listener = settings(exchange);
  if (tls_ && listener.tls) {
    exchange.hsts = listener.tls->hsts;
    if (listener.tls->forward_client_certificate) exchange.client_certificate = tls_->certificate;
  }
  worker_.write_request_id(exchange.request_id);
  auto& record = exchange.record;
  record.client_address = exchange.client_address;
  record.client_port = port_;
  record.server_address = exchange.view->listener_addresses[exchange.listener];
  record.request_id = exchange.request_id;
}

net::Task<After> ClientConnection::serve(Exchange& exchange) {
  begin_record(exchange);
  if (worker_.buffers_full()) co_return co_await refuse_unread(exchange);
  auto reason = FailureReason::none;
  const auto head = co_await read_head(exchange, reason);
  if (head == HeadRead::silent_end) co_return After::close;
  if (head == HeadRead::complete) leave();
  exchange.out = worker_.buffers().take();
  auto after = After::close;
  if (head == HeadRead::refused) {
    const auto error = exchange.request_parser.error();
    after = co_await refuse(exchange, reason,
                            error == http::HeadError::none ? std::string_view() : http::describe(error));
  } else {
    describe_request(exchange);
    after = co_await answer(exchange);
  }
  if (after != After::tunnel) {
    UpstreamCounters* counters = nullptr;
    if (exchange.route != nullptr) {
      if (const auto* proxy = std::get_if<ProxyRoute>(&exchange.route->action)) {
        counters = &exchange.view->series[proxy->upstream]->worker(worker_.index());
      }
    }
    worker_.finish(exchange, counters);
  }
  if (after == After::keep) {
    // Only now: the record's texts were views of the head.
    if (exchange.body_read) {
      in_ = std::move(exchange.rest);
    } else {
      in_.consume(exchange.request.size);
    }
  }
  co_return after;
}

net::Task<ClientConnection::HeadRead> ClientConnection::read_head(Exchange& exchange, FailureReason& reason) {
  const auto& listener = settings(exchange);
  exchange.request_parser = http::HeadParser(head_limits(listener));
  // A total: a client that drips one byte at a time must not renew it.
  const auto deadline = worker_.now() + listener.timeouts.request_header;
  if (!in_.has_block()) in_ = worker_.buffers().take();
  for (;;) {
    if (!in_.empty()) {
      const auto progress = exchange.request_parser.parse_request(in_.text(), exchange.request);
      if (progress == http::Progress::complete) co_return HeadRead::complete;
      if (progress == http::Progress::failed) {
        reason = reason_of_status(http::status_of(exchange.request_parser.error()));
        co_return HeadRead::refused;
      }
    }
    if (in_.room().empty())
      in_.grow(std::min(in_.capacity() * 2, listener.limits.head_bytes + net::BufferPool::kBlock));
    const auto read = stream_->try_read(in_.room());
    if (read.has_value() && *read > 0) {
      in_.commit(*read);
      continue;
    }
    if (read.has_value() || !net::would_block(read.error())) co_return HeadRead::silent_end;
    net::Wait wait(worker_.loop());
    wait.readable(*stream_).until(deadline);
    if (!is_queued()) worker_.add_newcomer(*this);
    head_begun_ = in_.empty() ? nullptr : &exchange;
    const auto cause = co_await wait;
    head_begun_ = nullptr;
    if (cause == net::Cause::deadline) {
      reason = FailureReason::request_timeout;
      exchange.record.failure_details = "no whole head within `timeouts.requestHeader`";
      if (in_.empty()) co_return HeadRead::silent_end;
      co_return HeadRead::refused;
    }
  }
}

void ClientConnection::describe_request(Exchange& exchange) {
  const auto& request = exchange.request;
  auto& record = exchange.record;
  if (!exchange.view->trusted.empty()) find_client(exchange);
  record.method = request.method;
  record.target = request.target;
  record.version = request.version == http::Version::http_1_1 ? "HTTP/1.1" : "HTTP/1.0";
  record.host = request.fields.find("host").value_or("");
  record.referer = request.fields.find("referer").value_or("");
  record.user_agent = request.fields.find("user-agent").value_or("");
  record.x_forwarded_for = request.fields.find("x-forwarded-for").value_or("");
  record.request_bytes = request.size;
}

net::Task<After> ClientConnection::answer(Exchange& exchange) {
  std::string_view details;
  auto reason = examine(exchange, details);
  // After a fault of syntax the connection ends anyhow.
  if ((reason == FailureReason::none || reason == FailureReason::no_route) &&
      is_limited(exchange, exchange.listener)) {
    const auto verdict = co_await ask_limits(worker_, *stream_, exchange, exchange.listener);
    if (verdict.refused != FailureReason::none) {
      co_return co_await refuse(exchange, verdict.refused, exchange.failure_details,
                                verdict.retry_after_seconds);
    }
  }
  if (reason == FailureReason::none && is_challenge(exchange)) co_return co_await answer_challenge(exchange);
  if (reason == FailureReason::none && exchange.route != nullptr && exchange.route->passwords)
    reason = co_await authenticate(exchange);
  if (reason == FailureReason::none && settings(exchange).redirect_to_tls)
    co_return co_await send_to_tls(exchange);
  if (reason != FailureReason::none) co_return co_await refuse(exchange, reason, details);
  if (const auto* proxy = std::get_if<ProxyRoute>(&exchange.route->action)) {
    Forward forward(worker_, *this, exchange, *proxy);
    co_return co_await forward.run();
  }
  const bool keep = keeps_alive(exchange) && exchange.framing.kind == http::BodyKind::none && !is_leaving();
  if (const auto* redirect = std::get_if<RedirectRoute>(&exchange.route->action)) {
    const Variables variables(exchange);
    expand_field_value(redirect->location, variables, exchange.scratch);
    write_redirect(exchange, redirect->status, exchange.scratch, keep, worker_.unix_seconds());
  } else {
    write_fixed(exchange, std::get<conf::RespondAction>(exchange.route->action), keep,
                worker_.unix_seconds());
  }
  co_return co_await send_out(exchange, keep);
}

}  // namespace tidegate::gateway
