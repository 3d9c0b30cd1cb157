// Follows WebSocket frame headers in one direction across any split of the bytes (RFC 6455 5.2). Keeps at
// most the 14 bytes of one header and the payload's remaining length; payload is neither unmasked nor kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tidegate::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

enum class Sender : std::uint8_t { client, server };  // clients mask, servers do not

enum class FrameFault : std::uint8_t {
  none,
  reserved_bits,  // RSV2, RSV3, or RSV1 without a negotiated extension or on a control frame
  bad_opcode,
  control_too_long,  // over 125 bytes
  control_fragmented,
  bad_mask,      // client unmasked, or server masked
  bad_length,    // 64-bit length with the top bit set, or a length not in its shortest form
  bad_sequence,  // continuation without a start, or a new message inside a fragmented one
};

struct FrameCounts {
  std::uint64_t messages = 0;  // complete data messages
  std::uint64_t frames = 0;
  std::uint64_t control_frames = 0;  // pings, pongs, closes
};

// Only observes: after a fault it stops counting (`fault()` says which) and bytes go on unharmed.
class FrameScanner {
 public:
  FrameScanner(Sender sender, bool rsv1_allowed) : sender_(sender), rsv1_allowed_(rsv1_allowed) {}

  // Costs a few instructions per frame, whatever its size: payload is skipped, not looked at.
  void consume(std::span<const char> bytes);

  // True between two frames: the only place where a control frame may be put in (also between
  // fragments, 5.4).
  [[nodiscard]] bool at_boundary() const;
  [[nodiscard]] FrameFault fault() const { return fault_; }
  [[nodiscard]] const FrameCounts& counts() const { return counts_; }
  [[nodiscard]] bool close_seen() const { return close_seen_; }
  // The code of the Close frame seen: 1005 if it carried none, 0 if no Close was seen (or only half of its
  // code).
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }

 private:
  std::size_t take_header(std::span<const std::uint8_t> bytes);
  std::size_t take_payload(std::span<const std::uint8_t> bytes);
  FrameFault judge_opening(std::uint8_t first, std::uint8_t second) const;
  void begin_frame(std::span<const std::uint8_t> header);
  void take_close_code(std::span<const std::uint8_t> payload);
  void end_frame();

  static constexpr std::size_t longest_header = 14;

  FrameCounts counts_;
  std::uint64_t remaining_ = 0;  // payload of the current frame not yet seen
  std::array<std::uint8_t, longest_header> header_{};
  std::uint8_t header_size_ = 0;        // bytes of a header that the input cut through
  std::uint8_t first_ = 0;              // first byte of the current frame: FIN, RSV, opcode
  std::array<std::uint8_t, 2> mask_{};  // of a Close: all it takes to read its code
  std::uint8_t close_code_bytes_ = 0;   // of the first Close
  bool message_open_ = false;           // fragments of a data message are still to come
  Sender sender_;
  bool rsv1_allowed_;
  FrameFault fault_ = FrameFault::none;
  bool close_seen_ = false;
  std::uint16_t partial_code_ = 0;
  std::uint16_t close_code_ = 0;
};
static_assert(sizeof(FrameScanner) <= 80, "each of many thousand tunnels holds two");

}  // namespace tidegate::websocket
