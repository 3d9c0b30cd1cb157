// Forward's look behind a 101. A pod that lets a client in only to send it away is leaving, and its client
// need not know of it: not a byte was relayed, and the same key makes the same Sec-WebSocket-Accept
// elsewhere (RFC 6455 4.2.2). What the withheld 101 has agreed to binds nobody: the one that is relayed is
// checked against the client's offer as any other.
#include <algorithm>

#include "gateway/exchange/forward.hpp"
#include "gateway/process/control.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {

// Not for a client that has spoken already: what its pod says may be the answer.
bool Forward::may_redrive() {
  return exchange_.upgrade == http::UpgradeAsk::websocket && route_.websocket->redrive.count() > 0 &&
         settings().retry.enabled && client_.in().size() == exchange_.request.size;
}

net::Task<Forward::Step> Forward::watch_first_frame() {
  const auto until = std::min(worker_.now() + route_.websocket->redrive, deadline_);
  auto& answer = exchange_.answer;
  for (;;) {
    const auto words = read_first_frame(answer.text().substr(exchange_.response.size));
    if (words.frame == FirstFrame::ordinary) co_return Step::done;
    if (words.frame != FirstFrame::incomplete) co_return redrive(words);
    // The fields of the 101 are views into this buffer, which therefore does not grow.
    if (answer.room().empty()) co_return Step::done;
    const auto read = connection_.stream->try_read(answer.room());
    if (read.has_value() && *read > 0) {
      answer.commit(*read);
      continue;
    }
    if (read.has_value() || !net::would_block(read.error())) co_return lost_behind_switch(read.has_error());
    net::Wait wait(worker_.loop());
    wait.readable(*connection_.stream).hangup(client_.stream()).until(until);
    const auto cause = co_await wait;
    if (cause == net::Cause::deadline) co_return Step::done;
    if (cause == net::Cause::hangup) {
      current().outcome = AttemptOutcome::abandoned;
      failure_ = FailureReason::client_gone;
      co_return Step::failed;
    }
  }
}

Forward::Step Forward::redrive(const FirstWords& words) {
  if (client_.stream().has_arrivals()) return Step::done;
  if (!settings().virtual_address) worker_.control().sent_away(endpoint_, client_number(), describe(words));
  ++lost_;
  const bool elsewhere = other_endpoint_left() || settings().virtual_address;
  const auto waiting = static_cast<std::size_t>(shared_->waiting.load(std::memory_order_relaxed));
  const bool may_wait = settings().hold.enabled && waiting < settings().hold.max_waiting;
  const bool promising = may_wait || (elsewhere && retry_affordable());
  const auto next =
      promising ? next_step(facts_of(AttemptOutcome::redriven), FailureReason::none) : Step::failed;
  // The pod's own words tell the client more than a failure of the gateway's would.
  if (next == Step::failed) return Step::done;
  current().outcome = AttemptOutcome::redriven;
  counters_.redrives.add();
  return next;
}

Forward::Step Forward::lost_behind_switch(bool reset) {
  note_answer_lost();
  failure_details_ = endpoint_->address_text() + " closed the connection right behind its 101";
  return try_failed(reset ? AttemptOutcome::reset : AttemptOutcome::closed,
                    FailureReason::connection_terminated);
}

}  // namespace tidegate::gateway
