// What a route does about the frames of its WebSockets, as plain values.
#pragma once

#include <chrono>
#include <cstdint>

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
};

// Pings of the gateway's own. Any byte counts as life.
struct SocketPings {
  std::chrono::milliseconds client{0};    // after so long without a byte from it; 0: never
  std::chrono::milliseconds upstream{0};  // likewise
  int dead_after = 3;                     // who is silent for so many intervals is dead

  [[nodiscard]] bool any() const { return client.count() > 0 || upstream.count() > 0; }
};

struct WebSocketPolicy {
  Inspect inspect = Inspect::enforce;
  std::uint64_t frame_bytes = 0;    // longest payload of a frame as it is on the wire; 0: no limit
  std::uint64_t message_bytes = 0;  // of all fragments of a message together; 0: no limit
  SocketRate rate;
  SocketPings pings;
};

}  // namespace tidegate::conf
