// Whether another try may follow a failed one, and where. Pure (RFC 9110 9.2.2 says which methods may be
// repeated).
#pragma once

#include <string_view>

#include "conf/config.hpp"
#include "gateway/observe/access_record.hpp"
#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

// One try that did not simply succeed, and what is known about the request.
struct TryFacts {
  AttemptOutcome outcome = AttemptOutcome::answered;
  int status = 0;        // of an answer
  bool upgrade = false;  // a handshake: no body, safe to repeat until a byte of the 101 was relayed
  bool idempotent = false;
  bool body_consumed =
      false;            // bytes of the request's body were read from the client: it cannot be sent again
  bool sent = false;    // bytes of the request went out
  bool reused = false;  // on a pooled connection
  bool reused_retry_used = false;
  bool other_endpoint = false;   // an eligible endpoint that was not tried yet
  bool virtual_address = false;  // one address for many pods: tried anew it leads elsewhere
  int tries = 0;                 // tries made so far, this one included
  int lost = 0;                  // of these, sent and ended without an answer, or by sending the client away
};

enum class NextTry {
  stop,            // what came stands: the answer is relayed, the failure is reported
  new_connection,  // a pooled connection was stale: the same endpoint, at once, and for free
  elsewhere,       // another endpoint, at once
  later,  // every endpoint was tried: after a pause all of them anew (a virtual address leads elsewhere)
};

[[nodiscard]] NextTry decide_retry(const conf::RetryPolicy& policy, const TryFacts& facts, net::TimePoint now,
                                   net::TimePoint deadline);

// The pause before try number `tries + 1` at an address tried before: doubles up to 16 times `back_off`;
// `random` in [0, 1) spreads it over the upper half, so that a herd does not return as one.
[[nodiscard]] conf::Duration retry_pause(conf::Duration back_off, int tries, double random);

[[nodiscard]] bool is_idempotent(std::string_view method);

// Whether one more retry fits: at most `budget_percent` of the active requests, and always `budget_minimum`.
[[nodiscard]] bool within_budget(const conf::RetryPolicy& policy, int active_requests, int active_retries);

}  // namespace tidegate::gateway
