// Limits of clients, performed: asks the tables, waits where a request is to be delayed.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/exchange/exchange.hpp"
#include "gateway/process/entrance.hpp"
#include "gateway/process/limit_table.hpp"
#include "gateway/process/worker_view.hpp"
#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"

namespace tidegate::gateway {

class Worker;

struct LimitAnswer {
  FailureReason refused = FailureReason::none;  // `client_gone` if it left while it was delayed
  int retry_after_seconds = 1;
};

[[nodiscard]] inline bool is_limited(const Exchange& exchange, std::uint32_t listener) {
  return !exchange.view->listener_limits[listener].empty() ||
         (exchange.route != nullptr && !exchange.route->limits.empty());
}

// Asks the limits of the listener and of the route, all of which have to agree, and then waits for the
// longest delay among them. Places go to `exchange.places`; why it was refused to `exchange.failure_details`.
[[nodiscard]] net::Task<LimitAnswer> ask_limits(Worker& worker, net::Stream& stream, Exchange& exchange,
                                                std::uint32_t listener);

// Asks the listener's limits for one more open connection of `peer`; its places go to `places`. A trusted
// proxy brings many clients: it is not limited. Returns the name of the limit that refuses it, which lives as
// long as the entrance's view; empty: it is granted.
[[nodiscard]] std::string_view ask_connection_limits(Worker& worker, const Entrance& entrance,
                                                     std::string_view peer, LimitPlaces& places);

// The places of a connection and of its request, for the tunnel that both become; null if there are none.
[[nodiscard]] std::unique_ptr<LimitPlaces> join(LimitPlaces& of_connection, LimitPlaces& of_request);

}  // namespace tidegate::gateway
