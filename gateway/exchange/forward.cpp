#include "gateway/exchange/forward.hpp"

#include <algorithm>

#include "gateway/exchange/head_limits.hpp"
#include "gateway/exchange/local_reply.hpp"
#include "gateway/exchange/request_writer.hpp"
#include "gateway/process/control.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/tls_error.hpp"
#include "wire/net/wait.hpp"
#include "wire/net/write_all.hpp"

namespace tidegate::gateway {
namespace {

std::chrono::microseconds since(net::TimePoint begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - begin);
}

struct ConnectFault {
  AttemptOutcome outcome;
  FailureReason reason;
  ConnectFailure counted;
};

constexpr ConnectFault kTlsFault{AttemptOutcome::tls_failed, FailureReason::tls_failed, ConnectFailure::tls};

ConnectFault classify(int error) {
  switch (error) {
    case ECONNREFUSED:
    case ENOENT:  // a Unix socket that is not there (yet)
      return {AttemptOutcome::refused, FailureReason::connection_refused, ConnectFailure::refused};
    case ETIMEDOUT:
      return {AttemptOutcome::connect_timeout, FailureReason::connection_timeout, ConnectFailure::timeout};
    case EHOSTUNREACH:
    case ENETUNREACH:
      return {AttemptOutcome::unreachable, FailureReason::destination_unroutable,
              ConnectFailure::unreachable};
    case ECONNRESET:
      return {AttemptOutcome::reset, FailureReason::connection_terminated, ConnectFailure::reset};
    // What lacks here is not the endpoint's fault and never held against it.
    case EADDRNOTAVAIL:
      return {AttemptOutcome::no_local_port, FailureReason::no_local_port, ConnectFailure::no_local_port};
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return {AttemptOutcome::no_local_resources, FailureReason::no_local_resources,
              ConnectFailure::no_local_resources};
    case ECANCELED: return {AttemptOutcome::abandoned, FailureReason::client_gone, ConnectFailure::other};
    default: return {AttemptOutcome::connect_failed, FailureReason::connection_failed, ConnectFailure::other};
  }
}

// Nothing that an endpoint could do about it.
bool is_local(AttemptOutcome outcome) {
  return outcome == AttemptOutcome::connect_failed || outcome == AttemptOutcome::no_local_port ||
         outcome == AttemptOutcome::no_local_resources;
}

}  // namespace

Forward::Forward(Worker& worker, ClientConnection& client, Exchange& exchange, const ProxyRoute& route)
    : worker_(worker),
      client_(client),
      exchange_(exchange),
      route_(route),
      cluster_id_(exchange.view->cluster_ids[route.upstream]),
      counters_(exchange.view->series[route.upstream]->worker(worker.index())),
      settings_(worker.cluster(cluster_id_)->settings),
      shared_(worker.cluster(cluster_id_)->shared) {
  const auto longest = std::max(settings_->retry.total,
                                settings_->hold.enabled ? settings_->hold.max_wait : conf::Duration(0));
  deadline_ = worker_.now() + longest;
  exchange_.record.upstream = settings_->name;
  shared_->active_requests.fetch_add(1, std::memory_order_relaxed);
}

Forward::~Forward() {
  upload_.reset();
  if (body_) exchange_.record.request_bytes += body_->received();
  if (retry_slot_) shared_->active_retries.fetch_sub(1, std::memory_order_relaxed);
  if (counted_) shared_->active_requests.fetch_sub(1, std::memory_order_relaxed);
}

const upstream::ClusterViewPtr& Forward::cluster() const {
  return worker_.cluster(cluster_id_);
}

net::Task<After> Forward::run() {
  if (exchange_.framing.kind != http::BodyKind::none) {
    // The bytes behind the head become the body reader's; the head's own stay where its views are.
    auto& in = client_.in();
    auto behind = worker_.buffers().take();
    const auto bytes = in.text().substr(exchange_.request.size);
    if (behind.capacity() < bytes.size()) behind.grow(bytes.size());
    std::copy(bytes.begin(), bytes.end(), behind.room().begin());
    behind.commit(bytes.size());
    const auto& listener = client_.settings(exchange_);
    const BodyLimits limits{route_.settings.body_bytes.value_or(listener.limits.body_bytes),
                            listener.timeouts.request_body, listener.limits.trailer_bytes, listener.body_pace,
                            head_limits(listener).underscores};
    body_.emplace(client_.stream(), exchange_.framing, std::move(behind), limits);
  }
  for (;;) {
    auto place = co_await choose();
    if (!place) co_return co_await fail();
    auto step = co_await attempt(std::move(place));
    if (step == Step::again) step = co_await pause_before_next();
    if (step == Step::done) co_return after_;
    if (step == Step::failed) co_return co_await fail();
  }
}

net::Task<Forward::Step> Forward::pause_before_next() {
  upload_.reset();
  connection_.close();
  exchange_.answer.release();
  if (pause_.count() == 0) co_return Step::again;
  net::Wait wait(worker_.loop());
  wait.hangup(client_.stream()).until(worker_.now() + std::exchange(pause_, conf::Duration(0)));
  if (co_await wait == net::Cause::deadline) co_return Step::again;
  failure_ = FailureReason::client_gone;
  co_return Step::failed;
}

void Forward::begin_attempt(const upstream::EndpointPtr& endpoint) {
  ++tries_;
  attempt_began_ = net::Clock::now();
  endpoint_ = endpoint;
  failed_beside_.clear();
  sent_ = false;
  interims_ = 0;
  auto& met = exchange_.met;
  if (std::find(met.begin(), met.end(), endpoint) == met.end()) met.push_back(endpoint);
  Attempt attempt;
  attempt.endpoint = endpoint->address_text();
  exchange_.record.attempts.push_back(attempt);
}

net::Task<Forward::Step> Forward::attempt(upstream::Reservation place) {
  begin_attempt(place.endpoint());
  const auto error = co_await open(std::move(place));
  if (error == net::make_error(ESTALE)) co_return give_back();
  if (error) co_return connect_failed(error);
  current().reused = connection_.reused;

  // The last suspension is over; the next byte goes out. What the endpoint has become meanwhile decides.
  if (!endpoint_->takes(is_upgrade())) co_return give_back();
  if (!write_request(exchange_, route_, *endpoint_)) {
    failure_ = FailureReason::head_too_large;
    co_return Step::failed;
  }
  sent_ = true;
  const auto stalled =
      co_await net::write_all(*connection_.stream, exchange_.out.text(), settings().timeouts.write_stall);
  if (stalled && stalled.value() == ETIMEDOUT) {
    co_return try_failed(AttemptOutcome::write_timeout, FailureReason::connection_write_timeout);
  }
  // Any other failure to write: it may have answered before it closed, so the answer is looked for all the
  // same.
  if (!stalled) start_upload();
  co_return co_await read_answer();
}

Forward::Step Forward::give_back() {
  // No try was made and none is counted; the next pick does not see this endpoint.
  --tries_;
  current().outcome = AttemptOutcome::repicked;
  current().total = since(attempt_began_);
  counters_.repicks.add();
  // What stands against the others is another matter than what an earlier try has met.
  failure_ = FailureReason::none;
  failure_details_.clear();
  if (worker_.now() < deadline_) return Step::again;
  note_none();
  return Step::failed;
}

Forward::Step Forward::connect_failed(const net::error_code& error) {
  const auto fault = error.category() == net::tls_category() ? kTlsFault : classify(error.value());
  if (fault.outcome == AttemptOutcome::abandoned) {
    current().outcome = fault.outcome;
    failure_ = fault.reason;
    return Step::failed;
  }
  counters_.connect_failures_by_kind[static_cast<std::size_t>(fault.counted)].add();
  // The next try may find the descriptors of an idle client.
  if (fault.outcome == AttemptOutcome::no_local_resources) (void)worker_.shed_connection();
  failure_details_ = "connect to " + endpoint_->address_text() + ": " + error.message() + failed_beside_;
  std::string untrusted;
  if (fault.outcome == AttemptOutcome::tls_failed && connection_.stream)
    untrusted = net::certificate_fault(*connection_.stream->tls());
  if (!is_local(fault.outcome) && !settings().virtual_address) {
    if (untrusted.empty()) {
      worker_.control().connect_failed(endpoint_, fault.outcome);
    } else {
      worker_.control().certificate_refused(endpoint_, untrusted);
    }
  }
  if (untrusted.empty()) return try_failed(fault.outcome, fault.reason);
  failure_details_ += " (" + untrusted + ")";
  return try_failed(fault.outcome, FailureReason::tls_certificate_error);
}

// Of the two connects of one attempt this one failed and is not the one that it goes on by.
void Forward::note_failure_beside(const upstream::EndpointPtr& endpoint, const net::error_code& error) {
  const auto fault = classify(error.value());
  counters_.connect_failures_by_kind[static_cast<std::size_t>(fault.counted)].add();
  if (!is_local(fault.outcome) && !settings().virtual_address)
    worker_.control().connect_failed(endpoint, fault.outcome);
  failed_beside_ += "; to " + endpoint->address_text() + ": " + error.message();
  if (!is_local(fault.outcome)) tried_.push_back(endpoint->id());
}

TryFacts Forward::facts_of(AttemptOutcome outcome) const {
  TryFacts facts;
  facts.outcome = outcome;
  facts.status = exchange_.response.status;
  facts.upgrade = is_upgrade();
  facts.idempotent = is_idempotent(exchange_.request.method);
  facts.body_consumed = body_ && body_->begun();
  facts.sent = sent_;
  facts.reused = connection_.reused;
  facts.reused_retry_used = reused_retry_used_;
  facts.other_endpoint = other_endpoint_left();
  facts.virtual_address = settings().virtual_address;
  facts.tries = tries_;
  facts.lost = lost_;
  return facts;
}

Forward::Step Forward::try_failed(AttemptOutcome outcome, FailureReason reason) {
  current().outcome = outcome;
  current().total = since(attempt_began_);
  if (sent_ && !connection_.reused && (outcome == AttemptOutcome::reset || outcome == AttemptOutcome::closed))
    ++lost_;
  return next_step(facts_of(outcome), reason);
}

Forward::Step Forward::next_step(const TryFacts& facts, FailureReason reason) {
  failure_ = reason;
  const auto next = decide_retry(settings().retry, facts, worker_.now(), deadline_);
  if (next == NextTry::stop) return Step::failed;
  if (retry_slot_) shared_->active_retries.fetch_sub(1, std::memory_order_relaxed);
  retry_slot_ = false;
  if (next == NextTry::new_connection) {
    reused_retry_used_ = true;
    return Step::again;
  }
  retrying_ = true;
  counters_.retries.add();
  ++exchange_.record.retries;
  if (next == NextTry::elsewhere) {
    tried_.push_back(endpoint_->id());
    return Step::again;
  }
  tried_.clear();
  const double random = static_cast<double>(worker_.random() >> 11) * 0x1.0p-53;
  pause_ = retry_pause(settings().retry.back_off, tries_, random);
  return Step::again;
}

// What the client is told beyond the reason's phrase: nothing that names addresses behind the gateway.
std::string_view Forward::public_details() const {
  switch (failure_) {
    case FailureReason::bad_request:
    case FailureReason::request_timeout:
    case FailureReason::sockets_refused:
    case FailureReason::endpoints_full: return failure_details_;
    case FailureReason::no_ready_endpoint:
    case FailureReason::hold_expired:
      // Of endpoints that are there it says how many; else it names sources.
      return cluster()->members.empty() ? std::string_view() : failure_details_;
    default: return {};
  }
}

// A handshake that found no room, where the upstream wants it told by a Close.
bool Forward::may_tell_by_close() const {
  if (settings().hold.overflow != conf::Overflow::close || exchange_.upgrade != http::UpgradeAsk::websocket)
    return false;
  switch (failure_) {
    case FailureReason::hold_full:
    case FailureReason::hold_expired:
    case FailureReason::sockets_refused:
    case FailureReason::endpoints_full:
    case FailureReason::unresolved:
    case FailureReason::no_ready_endpoint: return true;
    default: return false;
  }
}

net::Task<After> Forward::fail() {
  upload_.reset();
  connection_.close();
  auto& record = exchange_.record;
  record.failure = failure_;
  exchange_.failure_details = failure_details_;
  record.failure_details = exchange_.failure_details;
  if (failure_ == FailureReason::client_gone) {
    record.status = 499;
    co_return After::abort;
  }
  if (is_upgrade()) shared_->handshakes.note(false, worker_.now());
  if (exchange_.answer_begun) co_return After::abort;
  if (may_tell_by_close()) {
    write_turn_away(exchange_, settings().closes.of(conf::CloseCause::overflow));
    const auto lost = co_await net::write_all(client_.stream(), exchange_.out.text(),
                                              client_.settings(exchange_).timeouts.write_stall);
    co_return lost ? After::abort : After::close;
  }
  const bool whole = exchange_.framing.kind == http::BodyKind::none;
  const bool keep = whole && http::wants_keep_alive(exchange_.request.version, exchange_.request.fields) &&
                    !client_.is_leaving();
  write_failure(exchange_, {failure_, public_details(), keep}, worker_.unix_seconds());
  const auto error = co_await net::write_all(client_.stream(), exchange_.out.text(),
                                             client_.settings(exchange_).timeouts.write_stall);
  if (error) co_return After::abort;
  co_return keep ? After::keep : After::close;
}

}  // namespace tidegate::gateway
