// Forward's last part: the endpoint's answer on its way to the client.
#include "gateway/exchange/client_limits.hpp"
#include "gateway/exchange/field_rules.hpp"
#include "gateway/exchange/forward.hpp"
#include "gateway/exchange/framed_run.hpp"
#include "gateway/exchange/request_writer.hpp"
#include "gateway/exchange/response_writer.hpp"
#include "gateway/exchange/variables.hpp"
#include "gateway/process/worker.hpp"
#include "gateway/tunnel/tunnel.hpp"
#include "upstream/pick.hpp"
#include "wire/net/write_all.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::size_t kTrailerBytes = 8 * 1024;

// What is wrong with a 101, or nothing. A protocol other than WebSocket must be one that was passed on (RFC
// 9110 7.8).
std::string_view switch_fault(const Exchange& exchange, const conf::UpgradePolicy& policy) {
  if (exchange.upgrade == http::UpgradeAsk::websocket) {
    const auto fault = http::check_switch(exchange.request, exchange.response);
    return fault == http::SwitchFault::none ? std::string_view() : http::describe(fault);
  }
  const auto& fields = exchange.response.fields;
  if (!fields.has_token("connection", "upgrade")) return "the 101 lacks `Connection: upgrade`";
  const auto protocol = fields.find("upgrade");
  const bool offered = protocol && exchange.request.fields.has_token("upgrade", *protocol);
  if (!offered) return "the 101 names a protocol that was not offered";
  if (passes_protocol(policy, *protocol)) return {};
  return "the 101 names a protocol that was not passed on";
}

}  // namespace

std::string_view Forward::sticky_cookie() {
  const auto& balance = settings().balance;
  if (balance.kind != conf::Balance::sticky) return {};
  const auto value = upstream::sticky_value(*endpoint_);
  if (cookie(exchange_.request.fields, balance.sticky_cookie) == value) return {};
  cookie_ = balance.sticky_cookie + "=" + value + "; Path=/; HttpOnly; SameSite=Lax";
  if (balance.sticky_secure) cookie_ += "; Secure";
  return cookie_;
}

net::Task<Forward::Step> Forward::relay() {
  const auto framing = http::response_framing(exchange_.response, exchange_.request.method == "HEAD");
  if (!framing) {
    failure_details_ = http::describe(framing.error());
    co_return try_failed(AttemptOutcome::bad_answer, FailureReason::protocol_error);
  }
  exchange_.response_framing = *framing;
  const auto status = exchange_.response.status;
  // An endpoint that has answered a request it has not wholly read, and not with a success, wants no more of
  // it.
  if (upload_ && upload_->state() == UploadState::running && (status >= 300 || !framing->reusable))
    upload_.reset();
  const bool request_whole = !body_ || body_->end() == BodyEnd::whole;
  const bool wanted = http::wants_keep_alive(exchange_.request.version, exchange_.request.fields);
  const bool upload_going = upload_ && upload_->state() == UploadState::running;
  const auto towards =
      client_framing(exchange_, wanted && (request_whole || upload_going) && !client_.is_leaving());
  if (!write_response(exchange_, towards, sticky_cookie())) {
    failure_ = FailureReason::response_head_too_large;
    co_return Step::failed;
  }
  if (status == 503 || !framing->reusable) endpoint_->expire_pools();
  if (is_upgrade() && status >= 500) shared_->handshakes.note(false, worker_.now());
  exchange_.record.status = static_cast<std::uint16_t>(status);
  exchange_.answer_begun = true;

  exchange_.answer.consume(exchange_.response.size);
  BodyReader body(*connection_.stream, exchange_.response_framing, std::move(exchange_.answer),
                  {0, settings().timeouts.response_idle, kTrailerBytes});
  const bool delivered = co_await relay_body(body, towards.kind);
  current().total = std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - attempt_began_);
  if (!delivered) {
    failure_ = exchange_.record.failure = FailureReason::client_gone;
    after_ = After::abort;
    co_return Step::done;
  }
  co_return end_relay(body, towards.keep_alive);
}

net::Task<bool> Forward::relay_body(BodyReader& body, http::BodyKind framing) {
  const auto stall = client_.settings(exchange_).timeouts.write_stall;
  auto head = exchange_.out.text();
  auto run = body.take_buffered();
  for (;;) {
    FramedRun framed;
    framed.head(head);
    const bool whole = body.end() == BodyEnd::whole;
    if (framing == http::BodyKind::chunked) {
      framed.chunk(run);
      if (whole)
        framed.last_chunk(without_ruled(body.trailers(), exchange_.route->response_rules, exchange_.scratch));
    } else {
      framed.plain(run);
    }
    if (!framed.empty()) {
      const auto error = co_await net::write_all(client_.stream(), framed.pieces(), stall);
      if (error) co_return false;
      exchange_.record.body_bytes += run.size();
    }
    head = {};
    if (body.end() != BodyEnd::open) co_return body.end() != BodyEnd::abandoned;
    if (!upload_ || upload_->state() != UploadState::running) body.watch(client_.stream());
    run = co_await body.next(worker_.buffers());
  }
}

void Forward::settle_upstream(BodyReader& body) {
  // Only a connection that stands exactly between two messages may be used again (RFC 9112 9.3): the request
  // was sent whole, the answer ended where it said, and nothing came after it.
  const bool sent_whole = !upload_ ? !body_ : upload_->state() == UploadState::complete;
  const bool clean = body.end() == BodyEnd::whole && exchange_.response_framing.reusable &&
                     body.rest().empty() && sent_whole && exchange_.response.status != 503;
  upload_.reset();
  // Somebody who waits for a place needs it more than the next request needs an open connection.
  const bool places_wanted =
      settings().max_connections != 0 && shared_->waiting.load(std::memory_order_relaxed) > 0;
  // Nor is it used again where a reload has changed meanwhile how the endpoint is to be spoken to.
  const bool as_now = exchange_.view->upstreams[route_.upstream] == cluster()->settings;
  if (clean && !places_wanted && !announces_client() && as_now)
    worker_.pool().put(std::move(connection_), settings().pool_size, settings().timeouts.pool_idle);
  connection_.close();
}

Forward::Step Forward::end_relay(BodyReader& body, bool keep_alive) {
  const bool whole = body.end() == BodyEnd::whole;
  const bool request_whole = !body_ || body_->end() == BodyEnd::whole;
  if (!whole) {
    exchange_.record.failure = body.end() == BodyEnd::stalled ? FailureReason::response_idle_timeout
                                                              : FailureReason::response_incomplete;
    current().outcome = AttemptOutcome::bad_answer;
  }
  settle_upstream(body);
  if (!whole) {
    after_ = After::abort;  // never an orderly end for a cut body (RFC 9112 8)
    return Step::done;
  }
  after_ = keep_alive && request_whole ? After::keep : After::close;
  if (after_ == After::keep) {
    exchange_.body_read = body_.has_value();
    if (body_) exchange_.rest = std::move(body_->rest());
  }
  return Step::done;
}

// What a 101 comes to that is none; nothing if it is one.
std::optional<Forward::Step> Forward::refuse_switch() {
  if (!is_upgrade()) {
    failure_details_ = "101 Switching Protocols to a request that asked for no upgrade";
    return try_failed(AttemptOutcome::bad_answer, FailureReason::protocol_error);
  }
  const auto fault = switch_fault(exchange_, route_.settings.upgrade);
  if (fault.empty()) return std::nullopt;
  failure_details_ = fault;
  return try_failed(AttemptOutcome::upgrade_failed, FailureReason::upgrade_failed);
}

Forward::Step Forward::open_tunnel() {
  const bool websocket = exchange_.upgrade == http::UpgradeAsk::websocket;
  if (!write_switch(exchange_, sticky_cookie())) {
    failure_ = FailureReason::response_head_too_large;
    return Step::failed;
  }
  exchange_.record.status = 101;
  exchange_.record.handshake_time =
      std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - exchange_.started);
  worker_.finish_handshake(exchange_, counters_);
  shared_->handshakes.note(true, worker_.now());

  TunnelOpening opening;
  opening.client = client_.release_stream();
  opening.pod = std::move(connection_.stream);
  opening.place = std::move(connection_.place);
  opening.settings = settings_;
  opening.record = KeptRecord(exchange_.record);
  opening.places = join(client_.places(), exchange_.places);
  if (websocket && route_.websocket->inspect != conf::Inspect::off) opening.policy = route_.websocket;
  opening.reserved_bits =
      websocket::reserved_bits_of(exchange_.response.fields.find("sec-websocket-extensions").value_or(""));
  const auto early = client_.in().text().substr(exchange_.request.size);
  const auto late = exchange_.answer.text().substr(exchange_.response.size);
  auto tunnel = std::make_unique<Tunnel>(worker_, counters_, std::move(opening));
  auto* const opened = tunnel.get();
  worker_.adopt(std::move(tunnel), *exchange_.view->config);
  opened->start(exchange_.out.text(), late, early);
  after_ = After::tunnel;
  return Step::done;
}

}  // namespace tidegate::gateway
