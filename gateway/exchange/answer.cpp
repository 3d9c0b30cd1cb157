// Forward's second half of a try: waiting for the endpoint's answer.
#include <algorithm>
#include <utility>

#include "gateway/exchange/forward.hpp"
#include "gateway/exchange/response_writer.hpp"
#include "gateway/process/control.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/wait.hpp"
#include "wire/net/write_all.hpp"

namespace tidegate::gateway {
namespace {

constexpr int kMostInterims = 32;
constexpr std::size_t kLargestResponseHead = 64 * 1024;

bool request_failed(UploadState state) {
  return state == UploadState::client_failed || state == UploadState::upstream_stalled;
}

FailureReason reason_of(UploadState state, BodyEnd end) {
  if (state == UploadState::upstream_stalled) return FailureReason::connection_write_timeout;
  switch (end) {
    case BodyEnd::malformed: return FailureReason::bad_request;
    case BodyEnd::too_large: return FailureReason::body_too_large;
    case BodyEnd::stalled: return FailureReason::request_timeout;
    default: return FailureReason::client_gone;
  }
}

}  // namespace

void Forward::start_upload() {
  if (!body_) return;
  const UploadSettings upload{exchange_.framing.kind == http::BodyKind::chunked,
                              settings().timeouts.write_stall, route_.request_rules};
  upload_.emplace(worker_.buffers(), *body_, *connection_.stream, upload);
  upload_->start();
}

net::TimePoint Forward::answer_deadline() {
  // The clock for the answer runs from the end of the request; until then the upload has its own deadlines.
  if (upload_ && upload_->state() == UploadState::running) return worker_.now() + std::chrono::hours(24);
  if (answer_deadline_ != net::TimePoint{}) return answer_deadline_;
  answer_deadline_ = worker_.now() + settings().timeouts.response_header;
  // A handshake that may be tried elsewhere does not wait so long for a pod that hangs that no time is left.
  const auto& retry = settings().retry;
  if (is_upgrade() && retry.enabled && retry.upgrades.timeout && other_endpoint_left()) {
    answer_deadline_ = std::min(answer_deadline_, worker_.now() + (deadline_ - worker_.now()) / 2);
  }
  return answer_deadline_;
}

net::Task<net::Cause> Forward::wait_for_answer() {
  net::Wait wait(worker_.loop());
  wait.readable(*connection_.stream).until(answer_deadline());
  if (upload_ && upload_->state() == UploadState::running) {
    wait.signal(upload_->ended());
  } else {
    wait.hangup(client_.stream());
  }
  co_return co_await wait;
}

net::Task<Forward::Step> Forward::read_answer() {
  exchange_.answer = worker_.buffers().take();
  answer_deadline_ = {};
  exchange_.response_parser = http::HeadParser({kLargestResponseHead, 0, 1000, false});
  const auto step = co_await read_head();
  if (step != Step::done) co_return step;

  note_answer_time();
  const auto status = exchange_.response.status;
  if (status == 101) {
    if (const auto refused = refuse_switch()) co_return *refused;
    if (may_redrive()) {
      const auto next = co_await watch_first_frame();
      if (next != Step::done) co_return next;
    }
    endpoint_->set_last_answer(
        net::Clock::now());  // not sooner: its first words may have sent the client away
    co_return open_tunnel();
  }
  if (status == 502 || status == 503 || status == 504) {
    // Held back while another try may do better; the last answer is relayed.
    const bool affordable = settings().hold.enabled || retry_affordable();
    const auto next =
        affordable ? next_step(facts_of(AttemptOutcome::answered), FailureReason::none) : Step::failed;
    if (next == Step::again) {
      if (status == 503) endpoint_->expire_pools();
      co_return next;
    }
    failure_ = FailureReason::none;
  }
  co_return co_await relay();
}

void Forward::note_answer_time() {
  current().status = static_cast<std::uint16_t>(exchange_.response.status);
  current().header =
      std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - attempt_began_);
  current().total = current().header;
  if (exchange_.response.status != 101) endpoint_->set_last_answer(net::Clock::now());
}

// Reads up to the final head (or the 101), which is `done`.
net::Task<Forward::Step> Forward::read_head() {
  auto& answer = exchange_.answer;
  auto& stream = *connection_.stream;
  for (;;) {
    if (!answer.empty()) {
      const auto progress = exchange_.response_parser.parse_response(answer.text(), exchange_.response);
      if (progress == http::Progress::failed) {
        const auto error = exchange_.response_parser.error();
        failure_details_ = http::describe(error);
        const bool large =
            error == http::HeadError::head_too_large || error == http::HeadError::too_many_fields;
        co_return try_failed(AttemptOutcome::bad_answer,
                             large ? FailureReason::response_head_too_large : FailureReason::protocol_error);
      }
      if (progress == http::Progress::complete) {
        const bool interim = exchange_.response.status < 200 && exchange_.response.status != 101;
        if (!interim) co_return Step::done;
        if (++interims_ > kMostInterims) {
          failure_details_ = "too many interim responses";
          co_return try_failed(AttemptOutcome::bad_answer, FailureReason::protocol_error);
        }
        if (!co_await relay_interim()) {
          failure_ = FailureReason::client_gone;
          co_return Step::failed;
        }
        continue;
      }
    }
    if (answer.room().empty())
      answer.grow(std::min(answer.capacity() * 2, kLargestResponseHead + net::BufferPool::kBlock));
    const auto read = stream.try_read(answer.room());
    if (read.has_value() && *read > 0) {
      answer.commit(*read);
      continue;
    }
    if (read.has_value() || !net::would_block(read.error())) co_return answer_failed(read.has_error());
    // Looked at before each wait: an upload may fail at its first step, before anybody waits for it.
    if (upload_ && request_failed(upload_->state())) {
      current().outcome = AttemptOutcome::abandoned;
      failure_ = reason_of(upload_->state(), body_->end());
      if (failure_ == FailureReason::request_timeout) failure_details_ = body_->stall();
      if (failure_ == FailureReason::bad_request) failure_details_ = body_->fault();
      co_return Step::failed;
    }
    const auto cause = co_await wait_for_answer();
    if (cause == net::Cause::deadline) {
      co_return try_failed(AttemptOutcome::response_timeout, FailureReason::response_timeout);
    }
    if (cause == net::Cause::hangup) {
      current().outcome = AttemptOutcome::abandoned;
      failure_ = FailureReason::client_gone;
      co_return Step::failed;
    }
    if (cause == net::Cause::signal) upload_->ended().clear();
  }
}

net::Task<bool> Forward::relay_interim() {
  // HTTP/1.0 knows no interim answers (RFC 9110 15.2). One 100 is enough for one body, over all tries.
  const bool repeated = exchange_.response.status == 100 && std::exchange(continued_, true);
  if (exchange_.request.version == http::Version::http_1_1 && !repeated) {
    if (!write_interim(exchange_)) co_return false;
    const auto error = co_await net::write_all(client_.stream(), exchange_.out.text(),
                                               client_.settings(exchange_).timeouts.write_stall);
    if (error) co_return false;
  }
  exchange_.answer.consume(exchange_.response.size);
  exchange_.answer.compact();
  exchange_.response_parser.reset();
  co_return true;
}

std::uint64_t Forward::client_number() const {
  return worker_.client_of(exchange_.client_address);
}

void Forward::note_answer_lost() {
  if (settings().virtual_address) return;
  const auto sign = worker_.control().answer_lost(endpoint_, client_number());
  if (sign) counters_.leave_signals[static_cast<std::size_t>(*sign)].add();
}

Forward::Step Forward::answer_failed(bool reset) {
  const bool nothing = exchange_.answer.empty();
  if (nothing && !connection_.reused) note_answer_lost();
  if (!nothing) {
    failure_details_ = "the connection ended within the response head";
    return try_failed(AttemptOutcome::bad_answer, FailureReason::connection_terminated);
  }
  const auto outcome = connection_.reused ? AttemptOutcome::stale
                       : reset            ? AttemptOutcome::reset
                                          : AttemptOutcome::closed;
  failure_details_ = endpoint_->address_text() + " closed the connection before it answered";
  return try_failed(outcome, FailureReason::connection_terminated);
}

}  // namespace tidegate::gateway
