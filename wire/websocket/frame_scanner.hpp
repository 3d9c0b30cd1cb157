// Follows WebSocket frame headers in one direction across any split of the bytes (RFC 6455 5.2). Keeps at most the 14
// bytes of one header and the payload's remaining length; payload is neither unmasked nor kept.
#pragma once

#include <cstdint>
#include <span>

namespace tidegate::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

enum class Sender : std::uint8_t { client, server };  // clients mask, servers do not

enum class FrameFault : std::uint8_t {
  none,
  reserved_bits,      // RSV2, RSV3, or RSV1 without a negotiated extension
  bad_opcode,
  control_too_long,   // over 125 bytes
  control_fragmented,
  bad_mask,           // client unmasked, or server masked
  bad_length,         // 64-bit length with the top bit set, or a length not in its shortest form
  bad_sequence,       // continuation without a start, or a new message inside a fragmented one
};

struct FrameCounts {
  std::uint64_t messages = 0;        // complete data messages
  std::uint64_t frames = 0;
  std::uint64_t control_frames = 0;  // pings, pongs, closes
};

// Only observes: after a fault it stops counting (`fault()` says which) and bytes go on unharmed.
class FrameScanner {
 public:
  FrameScanner(Sender sender, bool rsv1_allowed) : sender_(sender), rsv1_allowed_(rsv1_allowed) {}

  void consume(std::span<const char> bytes);

  // True between two frames: the only place where a control frame may be put in (also between fragments, 5.4).
  [[nodiscard]] bool at_boundary() const;
  [[nodiscard]] FrameFault fault() const { return fault_; }
  [[nodiscard]] const FrameCounts& counts() const { return counts_; }
  [[nodiscard]] bool close_seen() const { return close_seen_; }
  // The code of the Close frame seen: 1005 if it carried none, 0 if no Close was seen (or only half of its code).
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }

 private:
  Sender sender_;
  bool rsv1_allowed_;
  FrameFault fault_ = FrameFault::none;
  bool close_seen_ = false;
  std::uint16_t close_code_ = 0;
  FrameCounts counts_;
  // (the implementation adds its state; sizeof(FrameScanner) stays at or under 80 bytes)
};

}  // namespace tidegate::websocket
