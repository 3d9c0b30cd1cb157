// What a route does about the frames of its WebSockets, as plain values.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tidegate::conf {

enum class Inspect {
  enforce,  // what breaks the protocol ends the WebSocket
  watch,    // frames are followed and counted, whatever they are
  off,      // bytes only: no counts of messages, no Close or ping of the gateway's own
};

// What becomes of a client that sends faster than it may.
enum class OverRate { pause, close };

// Of one client's frames in one WebSocket.
struct SocketRate {
  std::uint32_t messages_per_second = 0;   // 0: no limit
  std::uint64_t bytes_per_second = 0;      // on the wire; 0: no limit
  std::chrono::milliseconds burst{1'000};  // what it may send at once: that of so much time
  OverRate over = OverRate::pause;

  [[nodiscard]] bool limits() const { return messages_per_second != 0 || bytes_per_second != 0; }
  bool operator==(const SocketRate&) const = default;
};

// Pings of the gateway's own. Any byte counts as life.
struct SocketPings {
  std::chrono::milliseconds client{0};    // after so long without a byte from it; 0: never
  std::chrono::milliseconds upstream{0};  // likewise
  int dead_after = 3;                     // who is silent for so many intervals is dead

  [[nodiscard]] bool any() const { return client.count() > 0 || upstream.count() > 0; }
  bool operator==(const SocketPings&) const = default;
};

struct WebSocketPolicy {
  Inspect inspect = Inspect::enforce;
  std::uint64_t frame_bytes = 0;    // longest payload of a frame as it is on the wire; 0: no limit
  std::uint64_t message_bytes = 0;  // of all fragments of a message together; 0: no limit
  SocketRate rate;
  SocketPings pings;
  // So long a 101 waits for what its pod says first: a Close there means that the pod is leaving, and the
  // handshake is made anew elsewhere; 0: off.
  std::chrono::milliseconds redrive{0};
  bool operator==(const WebSocketPolicy&) const = default;
};

// Why the gateway ends a WebSocket that has done nothing wrong.
enum class CloseCause : std::uint8_t {
  draining,   // its endpoint is leaving
  lost,       // its endpoint went without a word
  removed,    // a new configuration has no such route any more
  shutdown,   // the gateway itself ends
  rebalance,  // other endpoints have less to do
  overflow,   // it was let in only to be told that there is no room
};

// What stands in the Close frame.
struct CloseWords {
  std::uint16_t code = 1012;  // service restart: clients come back
  std::string reason;         // at most 123 bytes
  bool operator==(const CloseWords&) const = default;
};

class CloseWordsByCause {
 public:
  [[nodiscard]] const CloseWords& of(CloseCause cause) const {
    return words_[static_cast<std::size_t>(cause)];
  }
  [[nodiscard]] CloseWords& of(CloseCause cause) { return words_[static_cast<std::size_t>(cause)]; }
  // Pusher's clients come back at once after 4200, and a second later after 4100.
  void speak_pusher() {
    for (auto& words : words_) words.code = 4200;
    of(CloseCause::overflow).code = 4100;
  }
  bool operator==(const CloseWordsByCause&) const = default;

 private:
  std::array<CloseWords, 6> words_{
      CloseWords{1012, "endpoint is leaving"},        CloseWords{1012, "upstream connection lost"},
      CloseWords{1012, "route was removed"},          CloseWords{1001, "gateway is shutting down"},
      CloseWords{1012, "moving to another endpoint"}, CloseWords{1013, "too busy, try again later"}};
};

// How the WebSockets of an endpoint that leaves are ended.
struct DrainPolicy {
  std::chrono::milliseconds window{20'000};    // over which they are spread
  std::chrono::milliseconds deadline{27'000};  // what is left then ends at once
  std::uint32_t most_per_second = 0;           // 0: as the window says
  bool operator==(const DrainPolicy&) const = default;
};

// After a rollout the first pods have most of the sockets: surplus ones are moved, the idle first.
struct RebalancePolicy {
  bool enabled = false;
  std::uint32_t per_second = 1;          // sockets that are closed, over all workers
  std::uint32_t tolerance_percent = 20;  // above its share that an endpoint may have
  bool operator==(const RebalancePolicy&) const = default;
};

}  // namespace tidegate::conf
