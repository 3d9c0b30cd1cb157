// Decisions about a WebSocket's sides that depend on time: who is to be pinged, who is dead, who sends too
// fast. Pure.
#pragma once

#include <cstdint>

#include "conf/websocket.hpp"
#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

enum class PulseNeed : std::uint8_t { nothing, ping, dead };

// The signs of life of one side. A side is pinged after one interval without a byte, then once an interval,
// and is dead after `dead_after` of them.
class Pulse {
 public:
  explicit Pulse(net::TimePoint now) : heard_(now), pinged_(now) {}

  void hear(net::TimePoint now) { heard_ = pinged_ = now; }
  void ping(net::TimePoint now) { pinged_ = now; }
  [[nodiscard]] PulseNeed look(net::TimePoint::duration interval, int dead_after, net::TimePoint now) const;
  // When to look next.
  [[nodiscard]] net::TimePoint due(net::TimePoint::duration interval, int dead_after) const;
  template <class Archive>
  void carry(Archive& archive) {
    archive(heard_, pinged_);
  }

 private:
  net::TimePoint heard_;
  net::TimePoint pinged_;  // or heard, whichever was later
};

// How far a sender is ahead of its rate: a token bucket kept as the time when it will be full again.
class SendPace {
 public:
  // Counts what was read. Returns when the sender may be read again: `now` while it is within its rate.
  [[nodiscard]] net::TimePoint count(const conf::SocketRate& rate, std::uint64_t messages,
                                     std::uint64_t bytes, net::TimePoint now);
  template <class Archive>
  void carry(Archive& archive) {
    archive(messages_due_, bytes_due_);
  }

 private:
  net::TimePoint messages_due_{};
  net::TimePoint bytes_due_{};
};

// What a tunnel keeps for these; only where its route asks for them.
struct Care {
  explicit Care(net::TimePoint now) : client(now), pod(now) {}
  Pulse client;
  Pulse pod;
  SendPace pace;
  net::TimePoint paused_until{};  // the client is not read

  template <class Archive>
  void carry(Archive& archive) {
    archive(client, pod, pace, paused_until);
  }
};

}  // namespace tidegate::gateway
