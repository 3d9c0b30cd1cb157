// Answers that the gateway gives itself: failures with their reason, redirects, fixed responses.
#pragma once

#include <string_view>

#include "conf/config.hpp"
#include "gateway/exchange/exchange.hpp"
#include "gateway/observe/proxy_status.hpp"

namespace tidegate::gateway {

// What a failure adds to its answer.
struct FailureReply {
  FailureReason reason = FailureReason::internal_error;
  std::string_view details;  // for Proxy-Status; empty: the reason's phrase
  bool keep_alive = false;
  int retry_after_seconds = 1;  // where the reason carries Retry-After
};

// Each writes a whole answer, head and body, into `exchange.out` (which has a block), sets the record's
// status and body bytes, and leaves HEAD without a body. `unix_seconds` becomes the Date.
void write_failure(Exchange& exchange, const FailureReply& reply, std::int64_t unix_seconds);
// 101 to a valid WebSocket handshake, and at once a Close: all that a script in a browser can be told.
void write_turn_away(Exchange& exchange, const conf::CloseWords& words);
void write_redirect(Exchange& exchange, int status, std::string_view location, bool keep_alive,
                    std::int64_t unix_seconds);
void write_fixed(Exchange& exchange, const conf::RespondAction& respond, bool keep_alive,
                 std::int64_t unix_seconds);

}  // namespace tidegate::gateway
