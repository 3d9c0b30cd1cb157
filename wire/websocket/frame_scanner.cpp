#include "wire/websocket/frame_scanner.hpp"

#include <algorithm>
#include <limits>

namespace tidegate::websocket {

namespace {

constexpr std::uint8_t rsv1_bit = 0x40;
constexpr std::uint8_t all_reserved_bits = 0x70;
constexpr std::uint8_t opcode_bits = 0x0f;
constexpr std::uint8_t control_bit = 0x08;
constexpr std::uint8_t length_bits = 0x7f;
constexpr std::uint8_t two_byte_length = 126;
constexpr std::uint8_t eight_byte_length = 127;
constexpr std::uint16_t no_code_given = 1005;

constexpr std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

constexpr Opcode opcode_of(std::uint8_t first) {
  return static_cast<Opcode>(first & opcode_bits);
}

constexpr bool is_known(std::uint8_t opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

constexpr std::size_t length_size(std::uint8_t second) {
  const auto length = second & length_bits;
  if (length == two_byte_length) return 2;
  return length == eight_byte_length ? 8 : 0;
}

constexpr std::size_t header_size_of(std::uint8_t second) {
  return 2 + length_size(second) + ((second & mask_bit) != 0 ? 4U : 0U);
}

std::uint64_t read_length(std::string_view header) {
  const auto second = byte_at(header, 1);
  const auto size = length_size(second);
  if (size == 0) return second & length_bits;
  std::uint64_t length = 0;
  for (std::size_t i = 2; i < 2 + size; ++i) length = length << 8 | byte_at(header, i);
  return length;
}

// RFC 6455 5.2: the minimal number of bytes must be used, and the top bit must be 0.
constexpr bool is_valid_length(std::size_t size, std::uint64_t length) {
  if (size == 2) return length >= two_byte_length;
  if (size == 8) return length > 0xffff && length >> 63 == 0;
  return true;
}

}  // namespace

std::string_view describe(FrameFault fault) {
  switch (fault) {
    case FrameFault::none: return {};
    case FrameFault::reserved_bits: return "reserved bits are set";
    case FrameFault::bad_opcode: return "unknown opcode";
    case FrameFault::control_too_long: return "control frame over 125 bytes";
    case FrameFault::control_fragmented: return "fragmented control frame";
    case FrameFault::bad_mask: return "masked by the wrong side";
    case FrameFault::bad_length: return "invalid frame length";
    case FrameFault::bad_sequence: return "fragment out of order";
    case FrameFault::frame_too_big: return "frame too big";
    case FrameFault::message_too_big: return "message too big";
  }
  return {};
}

std::uint16_t close_code_for(FrameFault fault) {
  const bool too_big = fault == FrameFault::frame_too_big || fault == FrameFault::message_too_big;
  return too_big ? 1009 : 1002;
}

std::uint8_t reserved_bits_of(std::string_view extensions) {
  if (extensions.empty()) return 0;
  constexpr std::string_view deflate = "permessage-deflate";
  const auto name = extensions.substr(0, extensions.find_first_of(";, \t"));
  const bool only_one = extensions.find(',') == std::string_view::npos;
  return name == deflate && only_one ? rsv1_bit : all_reserved_bits;
}

// === the course of the bytes ===

FrameScanner::Portion FrameScanner::next(std::string_view bytes, const FrameRules& rules) {
  if (fault_ != FrameFault::none) return {bytes.size(), rules.enforced ? Fate::drop : Fate::pass};
  if (remaining_ > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
    skip_payload(bytes.substr(0, size));
    return {size, withheld_ ? Fate::drop : Fate::pass};
  }
  if (close_ended_ && (rules.enforced || rules.withholds_close)) return {bytes.size(), Fate::drop};
  return gather(bytes, rules);
}

// At a header, some of which may be held from before. Where all of it is there it is read from `held_` too:
// a copy of at most 14 bytes.
FrameScanner::Portion FrameScanner::gather(std::string_view bytes, const FrameRules& rules) {
  std::size_t used = 0;
  const auto take = [&](std::size_t wanted) {
    if (gathered_ >= wanted) return true;
    const auto size = std::min(wanted - gathered_, bytes.size() - used);
    std::copy_n(bytes.data() + used, size, held_.data() + gathered_);
    gathered_ = static_cast<std::uint8_t>(gathered_ + size);
    used += size;
    return gathered_ >= wanted;
  };
  const auto hold = [&] {
    held_size_ = gathered_;
    return Portion{used, Fate::hold};
  };
  const bool judged = gathered_ >= 2;
  if (!take(2)) return hold();
  const auto first = static_cast<std::uint8_t>(held_[0]);
  const auto second = static_cast<std::uint8_t>(held_[1]);
  if (!judged) {
    if (const auto fault = judge_opening(first, second); fault != FrameFault::none)
      return fail(fault, used, rules);
  }
  const auto header_size = header_size_of(second);
  if (!take(header_size)) return hold();
  if (may_be_own_pong()) {
    if (!take(header_size + PingCookie().size())) return hold();
    if (is_own_pong()) {
      gathered_ = held_size_ = 0;
      own_pong_seen_ = true;
      return {used, Fate::drop};
    }
  }
  return begin_frame(bytes, used, rules);
}

// `used` bytes of `bytes` end the header, or the pong, that is in `held_`.
FrameScanner::Portion FrameScanner::begin_frame(std::string_view bytes, std::size_t used,
                                                const FrameRules& rules) {
  const std::string_view gathered(held_.data(), gathered_);
  const auto header_size = header_size_of(byte_at(gathered, 1));
  first_ = byte_at(gathered, 0);
  remaining_ = read_length(gathered);
  if (const auto fault = judge_length(rules); fault != FrameFault::none) return fail(fault, used, rules);
  if (opcode_of(first_) == Opcode::close && !close_seen_) {
    close_seen_ = true;
    withheld_ = rules.withholds_close;
    if (remaining_ == 0) close_code_ = no_code_given;
    if (sender_ == Sender::client) mask_ = {byte_at(gathered, 2), byte_at(gathered, 3)};
  }
  const auto fate = withheld_ ? Fate::drop : held_size_ > 0 ? Fate::release : Fate::pass;
  if (withheld_) held_size_ = 0;
  auto payload = gathered.substr(header_size);  // of a pong that is not the gateway's
  if (payload.empty()) {
    payload = bytes.substr(
        used, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size() - used)));
    used += payload.size();
  }
  gathered_ = 0;
  if (remaining_ == 0) {
    end_frame();
  } else if (!payload.empty()) {
    skip_payload(payload);
  }
  return {used, fate};
}

FrameScanner::Portion FrameScanner::fail(FrameFault fault, std::size_t size, const FrameRules& rules) {
  fault_ = fault;
  remaining_ = 0;
  gathered_ = 0;
  if (rules.enforced) {
    held_size_ = 0;
    return {size, Fate::drop};
  }
  torn_ = true;
  return {size, held_size_ > 0 ? Fate::release : Fate::pass};
}

std::string_view FrameScanner::take_held() {
  return {held_.data(), std::exchange(held_size_, std::uint8_t{0})};
}

// === the meaning of frames ===

FrameFault FrameScanner::judge_opening(std::uint8_t first, std::uint8_t second) const {
  const auto opcode = static_cast<std::uint8_t>(first & opcode_bits);
  const bool control = (opcode & control_bit) != 0;
  // RFC 7692 6.1: a control frame is never compressed.
  const auto allowed = control ? static_cast<std::uint8_t>(reserved_bits_ & ~rsv1_bit) : reserved_bits_;
  if ((first & all_reserved_bits & ~allowed) != 0) return FrameFault::reserved_bits;
  if (!is_known(opcode)) return FrameFault::bad_opcode;
  if (((second & mask_bit) != 0) != (sender_ == Sender::client)) return FrameFault::bad_mask;
  if (control) {
    if ((first & fin_bit) == 0) return FrameFault::control_fragmented;
    return (second & length_bits) > longest_control ? FrameFault::control_too_long : FrameFault::none;
  }
  const bool continues = opcode == static_cast<std::uint8_t>(Opcode::continuation);
  return continues == message_open_ ? FrameFault::none : FrameFault::bad_sequence;
}

FrameFault FrameScanner::judge_length(const FrameRules& rules) {
  if (!is_valid_length(length_size(static_cast<std::uint8_t>(held_[1])), remaining_))
    return FrameFault::bad_length;
  if ((first_ & control_bit) != 0) return FrameFault::none;
  if (rules.frame_bytes != 0 && remaining_ > rules.frame_bytes) return FrameFault::frame_too_big;
  // Fragments are endless by design: their sum must not wrap.
  message_bytes_ += std::min(remaining_, std::numeric_limits<std::uint64_t>::max() - message_bytes_);
  if (rules.message_bytes != 0 && message_bytes_ > rules.message_bytes) return FrameFault::message_too_big;
  return FrameFault::none;
}

bool FrameScanner::may_be_own_pong() const {
  return has_cookie_ && opcode_of(static_cast<std::uint8_t>(held_[0])) == Opcode::pong &&
         (static_cast<std::uint8_t>(held_[1]) & length_bits) == cookie_.size();
}

bool FrameScanner::is_own_pong() const {
  const bool masked = sender_ == Sender::client;
  const std::size_t payload = masked ? 6 : 2;
  for (std::size_t i = 0; i < cookie_.size(); ++i) {
    const auto mask = masked ? held_[2 + i % 4] : char{0};
    if (static_cast<std::uint8_t>(held_[payload + i] ^ mask) != cookie_[i]) return false;
  }
  return true;
}

void FrameScanner::skip_payload(std::string_view payload) {
  if (opcode_of(first_) == Opcode::close) take_close_code(payload);
  remaining_ -= payload.size();
  if (remaining_ == 0) end_frame();
}

// Only the first Close counts: nothing may follow it (RFC 6455 5.5.1).
void FrameScanner::take_close_code(std::string_view payload) {
  for (const auto byte : payload) {
    if (close_code_bytes_ == 2) return;
    const auto plain = static_cast<std::uint8_t>(static_cast<std::uint8_t>(byte) ^ mask_[close_code_bytes_]);
    partial_code_ = static_cast<std::uint16_t>(partial_code_ << 8 | plain);
    if (++close_code_bytes_ == 2) close_code_ = partial_code_;
  }
}

void FrameScanner::end_frame() {
  ++counts_.frames;
  if ((first_ & control_bit) == 0) {
    message_open_ = (first_ & fin_bit) == 0;
    if (message_open_) return;
    ++counts_.messages;
    message_bytes_ = 0;
    return;
  }
  ++counts_.control_frames;
  const auto opcode = opcode_of(first_);
  if (opcode == Opcode::ping) ping_open_ = true;
  if (opcode == Opcode::pong) pong_passed_ = true;
  if (!close_seen_) return;
  close_ended_ = true;
  close_code_bytes_ = 2;  // half a code is none, and a second Close must not complete it
}

}  // namespace tidegate::websocket
