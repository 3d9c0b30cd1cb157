// Follows WebSocket frames in one direction across any split of the bytes (RFC 6455 5.2), and says which of
// them go on. Keeps at most the 14 bytes of one header and the payload's remaining length; payload is neither
// unmasked nor kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tidegate::websocket {

// RFC 6455 5.2 and 5.5.
inline constexpr std::uint8_t fin_bit = 0x80;   // of a frame's first byte
inline constexpr std::uint8_t mask_bit = 0x80;  // of its second
inline constexpr std::size_t longest_control = 125;

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
  frame_too_big,
  message_too_big,
};
// For people and for the reason of a Close; empty for `none`.
[[nodiscard]] std::string_view describe(FrameFault fault);
// The code of the Close that answers it (RFC 6455 7.4.1): 1002, or 1009 for what is too big.
[[nodiscard]] std::uint16_t close_code_for(FrameFault fault);

// The reserved bits that extensions have been agreed to use: `Sec-WebSocket-Extensions` of the 101.
// permessage-deflate uses RSV1 (RFC 7692); of any other nobody knows which.
[[nodiscard]] std::uint8_t reserved_bits_of(std::string_view extensions);

struct FrameRules {
  // False: faults are noted and everything goes on. True: nothing goes on from the first byte of a frame with
  // a fault, nor what comes behind a Close.
  bool enforced = false;
  // The Close does not go on either, nor what comes behind it: the gateway has one of its own to send.
  bool withholds_close = false;
  std::uint64_t frame_bytes = 0;    // longest payload as it is on the wire; 0: no limit
  std::uint64_t message_bytes = 0;  // the same for all fragments of a message together
};

// What is in the payload of a ping of the gateway's own, to be known again in its pong.
using PingCookie = std::array<std::uint8_t, 8>;

struct FrameCounts {
  std::uint64_t messages = 0;  // complete data messages
  std::uint64_t frames = 0;
  std::uint64_t control_frames = 0;  // pings, pongs, closes
};

// One direction of a conversation. Bytes of a header are held until the header is whole, so that the stream
// behind the scanner always stands either between two frames or in a payload.
class FrameScanner {
 public:
  // `reserved_bits`: those that may be set, as `reserved_bits_of`.
  FrameScanner(Sender sender, std::uint8_t reserved_bits) : sender_(sender), reserved_bits_(reserved_bits) {}

  // Calls `pass` (a std::string_view) for each run of bytes that goes on: `bytes`, behind those held from
  // before, without those that are held now, and without the gateway's own pongs. Costs a few instructions
  // per frame, whatever its size: payload is skipped, not looked at. The runs are views of `bytes` and of
  // this object, for the time of the call.
  template <class Pass>
  void filter(std::string_view bytes, const FrameRules& rules, Pass&& pass) {
    std::size_t begin = 0;  // of the run that is not passed yet
    std::size_t at = 0;
    while (at < bytes.size()) {
      const auto [size, fate] = next(bytes.substr(at), rules);
      if (fate != Fate::pass && at > begin) pass(bytes.substr(begin, at - begin));
      if (fate != Fate::pass) begin = at;
      if (fate == Fate::release) pass(take_held());
      at += size;
      if (fate == Fate::hold || fate == Fate::drop) begin = at;
    }
    if (at > begin) pass(bytes.substr(begin));
  }
  // Follows only.
  void consume(std::string_view bytes) {
    filter(bytes, {}, [](std::string_view) {});
  }

  // From now on pongs with this payload are the gateway's own: they do not go on.
  void withhold_pongs(const PingCookie& cookie) {
    cookie_ = cookie;
    has_cookie_ = true;
  }
  [[nodiscard]] const PingCookie* cookie() const { return has_cookie_ ? &cookie_ : nullptr; }
  // One of those has come.
  [[nodiscard]] bool own_pong_seen() const { return own_pong_seen_; }
  // A ping of this sender's has gone on and `close_ping` has not been called since.
  [[nodiscard]] bool ping_open() const { return ping_open_; }
  void close_ping() { ping_open_ = false; }
  // Whether a pong has gone on since this was asked last.
  [[nodiscard]] bool take_pong() { return std::exchange(pong_passed_, false); }

  // True where what has been passed on ends between two frames: the only place where a control frame may be
  // put in (also between fragments, 5.4). Never again after a fault that was passed on.
  [[nodiscard]] bool at_boundary() const { return (remaining_ == 0 || withheld_) && !torn_; }
  [[nodiscard]] FrameFault fault() const { return fault_; }
  [[nodiscard]] const FrameCounts& counts() const { return counts_; }
  [[nodiscard]] bool close_seen() const { return close_seen_; }
  // And has gone on.
  [[nodiscard]] bool close_passed() const { return close_seen_ && !withheld_; }
  // The first Close is whole.
  [[nodiscard]] bool close_ended() const { return close_ended_; }
  // The code of the Close frame seen: 1005 if it carried none, 0 if no Close was seen (or only half of its
  // code).
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }

  // All that it knows, to or from an archive: `archive(member, ...)` reads or writes. Not within `filter`.
  template <class Archive>
  void carry(Archive& archive) {
    archive(counts_.messages, counts_.frames, counts_.control_frames, remaining_, message_bytes_, held_,
            gathered_, held_size_, first_, sender_, reserved_bits_, fault_, cookie_, mask_, close_code_bytes_,
            message_open_, has_cookie_, own_pong_seen_, ping_open_, pong_passed_, torn_, withheld_,
            close_seen_, close_ended_, partial_code_, close_code_);
  }

 private:
  // What becomes of bytes: they go on, wait in `held_`, go on behind those that waited, or go nowhere.
  enum class Fate : std::uint8_t { pass, hold, release, drop };
  struct Portion {
    std::size_t size;
    Fate fate;
  };
  static constexpr std::size_t longest_held = 14;  // a header, or a short pong

  [[nodiscard]] Portion next(std::string_view bytes, const FrameRules& rules);
  [[nodiscard]] Portion gather(std::string_view bytes, const FrameRules& rules);
  [[nodiscard]] Portion begin_frame(std::string_view bytes, std::size_t used, const FrameRules& rules);
  [[nodiscard]] Portion fail(FrameFault fault, std::size_t size, const FrameRules& rules);
  [[nodiscard]] std::string_view take_held();
  [[nodiscard]] FrameFault judge_opening(std::uint8_t first, std::uint8_t second) const;
  [[nodiscard]] FrameFault judge_length(const FrameRules& rules);
  [[nodiscard]] bool may_be_own_pong() const;
  [[nodiscard]] bool is_own_pong() const;
  void skip_payload(std::string_view payload);
  void take_close_code(std::string_view payload);
  void end_frame();

  FrameCounts counts_;
  std::uint64_t remaining_ = 0;      // payload of the current frame not yet seen
  std::uint64_t message_bytes_ = 0;  // payload of the open message before the current frame
  std::array<char, longest_held> held_{};
  std::uint8_t gathered_ = 0;   // bytes in `held_`, those of the present call included
  std::uint8_t held_size_ = 0;  // those of earlier calls
  std::uint8_t first_ = 0;      // first byte of the current frame: FIN, RSV, opcode
  Sender sender_;
  std::uint8_t reserved_bits_;
  FrameFault fault_ = FrameFault::none;
  PingCookie cookie_{};
  std::array<std::uint8_t, 2> mask_{};  // of a Close: all it takes to read its code
  std::uint8_t close_code_bytes_ = 0;   // of the first Close
  bool message_open_ = false;           // fragments of a data message are still to come
  bool has_cookie_ = false;
  bool own_pong_seen_ = false;
  bool ping_open_ = false;
  bool pong_passed_ = false;
  bool torn_ = false;      // something went on that is no whole frame and never will be
  bool withheld_ = false;  // the Close, and all that is behind it
  bool close_seen_ = false;
  bool close_ended_ = false;
  std::uint16_t partial_code_ = 0;
  std::uint16_t close_code_ = 0;
};
static_assert(sizeof(FrameScanner) <= 96, "each of many thousand tunnels holds two");

}  // namespace tidegate::websocket
