// The life of a pod and what it answers in each phase of it. Pure: `now` is an argument, nothing here waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidegate::pod {

using Clock = std::chrono::steady_clock;

enum class Phase {
  refusing,  // started, port bound but not listening: connections are refused
  unready,   // listening; `/ready` and WebSocket handshakes answer 503
  serving,   // the ordinary state
  pre_stop,  // SIGTERM came, `preStop` still sleeps: as `serving`
  leaving,   // `/ready` 500; every socket is told 4200; new ones get 101 first, then the same
  closed,    // the port refuses; the process ends once its sockets are gone
};

[[nodiscard]] std::string_view text(Phase phase);

// A readiness answer ordered by `POST /control/ready`, for tests of what depends on readiness only.
struct ReadyOrder {
  unsigned status = 503;
  std::optional<Clock::time_point> until;  // none: until the next order
};

struct Counts {
  std::uint64_t sockets = 0;  // open WebSockets, from the 101 to their end
  std::uint64_t peak = 0;     // the most of them at once
  std::uint64_t handshakes = 0;
  std::uint64_t handshakes_unready = 0;  // of those, taken while `/ready` did not say 200
  std::uint64_t messages = 0;            // received
};

struct Life {
  Phase phase = Phase::refusing;
  std::optional<ReadyOrder> order;
  Counts counts;

  // The status of `/ready`: what the phase says, unless an order in force says otherwise.
  [[nodiscard]] unsigned ready_status(Clock::time_point now) const;
  // Whether a WebSocket handshake gets 101; otherwise 503.
  [[nodiscard]] bool takes_handshakes() const { return phase != Phase::refusing && phase != Phase::unready; }
  // Whether sockets are sent away with 4200.
  [[nodiscard]] bool sends_away() const { return phase == Phase::leaving || phase == Phase::closed; }

  void count_opened(Clock::time_point now);
  void count_closed() { --counts.sockets; }
};

}  // namespace tidegate::pod
