#include "wire/websocket/frame_scanner.hpp"

#include <algorithm>
#include <cstring>

namespace tidegate::websocket {

namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t rsv1_bit = 0x40;
constexpr std::uint8_t rsv2_and_3_bits = 0x30;
constexpr std::uint8_t opcode_bits = 0x0f;
constexpr std::uint8_t control_bit = 0x08;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_bits = 0x7f;
constexpr std::uint8_t two_byte_length = 126;
constexpr std::uint8_t eight_byte_length = 127;
constexpr std::uint64_t longest_control = 125;
constexpr std::uint16_t no_code_given = 1005;

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

std::uint64_t read_length(std::span<const std::uint8_t> header) {
  const auto size = length_size(header[1]);
  if (size == 0) return header[1] & length_bits;
  std::uint64_t length = 0;
  for (const auto byte : header.subspan(2, size)) length = length << 8 | byte;
  return length;
}

// RFC 6455 5.2: the minimal number of bytes must be used, and the top bit must be 0.
constexpr bool is_valid_length(std::size_t size, std::uint64_t length) {
  if (size == 2) return length >= two_byte_length;
  if (size == 8) return length > 0xffff && length >> 63 == 0;
  return true;
}

}  // namespace

void FrameScanner::consume(std::span<const char> bytes) {
  std::span<const std::uint8_t> rest{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  while (!rest.empty() && fault_ == FrameFault::none) {
    rest = rest.subspan(remaining_ > 0 ? take_payload(rest) : take_header(rest));
  }
}

bool FrameScanner::at_boundary() const {
  return fault_ == FrameFault::none && header_size_ == 0 && remaining_ == 0;
}

// Returns how many bytes belong to the header. It is read in place where it arrived whole, else gathered
// first.
std::size_t FrameScanner::take_header(std::span<const std::uint8_t> bytes) {
  if (header_size_ == 0 && bytes.size() >= 2) {
    const auto size = header_size_of(bytes[1]);
    if (bytes.size() >= size) {
      begin_frame(bytes.first(size));
      return size;
    }
  }
  std::size_t used = 0;
  while (used < bytes.size()) {
    header_[header_size_++] = bytes[used++];
    if (header_size_ == 2) fault_ = judge_opening(header_[0], header_[1]);
    if (fault_ != FrameFault::none) return used;
    if (header_size_ >= 2 && header_size_ == header_size_of(header_[1])) {
      begin_frame(std::span(header_).first(header_size_));
      return used;
    }
  }
  return used;
}

FrameFault FrameScanner::judge_opening(std::uint8_t first, std::uint8_t second) const {
  const auto opcode = static_cast<std::uint8_t>(first & opcode_bits);
  const bool control = (opcode & control_bit) != 0;
  if ((first & rsv2_and_3_bits) != 0) return FrameFault::reserved_bits;
  // RFC 7692 6.1: a control frame is never compressed.
  if ((first & rsv1_bit) != 0 && (control || !rsv1_allowed_)) return FrameFault::reserved_bits;
  if (!is_known(opcode)) return FrameFault::bad_opcode;
  if (((second & mask_bit) != 0) != (sender_ == Sender::client)) return FrameFault::bad_mask;
  if (control) {
    if ((first & fin_bit) == 0) return FrameFault::control_fragmented;
    return (second & length_bits) > longest_control ? FrameFault::control_too_long : FrameFault::none;
  }
  const bool continues = opcode == static_cast<std::uint8_t>(Opcode::continuation);
  return continues == message_open_ ? FrameFault::none : FrameFault::bad_sequence;
}

void FrameScanner::begin_frame(std::span<const std::uint8_t> header) {
  header_size_ = 0;
  fault_ = judge_opening(header[0], header[1]);
  if (fault_ != FrameFault::none) return;
  const auto size = length_size(header[1]);
  remaining_ = read_length(header);
  if (!is_valid_length(size, remaining_)) {
    fault_ = FrameFault::bad_length;
    return;
  }
  first_ = header[0];
  if ((first_ & opcode_bits) == static_cast<std::uint8_t>(Opcode::close) && !close_seen_) {
    close_seen_ = true;
    if (remaining_ == 0) close_code_ = no_code_given;
    if (sender_ == Sender::client) mask_ = {header[2], header[3]};  // a valid Close has no longer length
  }
  if (remaining_ == 0) end_frame();
}

std::size_t FrameScanner::take_payload(std::span<const std::uint8_t> bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  if ((first_ & opcode_bits) == static_cast<std::uint8_t>(Opcode::close)) take_close_code(bytes.first(size));
  remaining_ -= size;
  if (remaining_ == 0) end_frame();
  return size;
}

// Only the first Close counts: nothing may follow it (RFC 6455 5.5.1).
void FrameScanner::take_close_code(std::span<const std::uint8_t> payload) {
  for (const auto byte : payload) {
    if (close_code_bytes_ == 2) return;
    const auto plain = static_cast<std::uint8_t>(byte ^ mask_[close_code_bytes_]);
    partial_code_ = static_cast<std::uint16_t>(partial_code_ << 8 | plain);
    if (++close_code_bytes_ == 2) close_code_ = partial_code_;
  }
}

void FrameScanner::end_frame() {
  ++counts_.frames;
  if ((first_ & control_bit) != 0) {
    ++counts_.control_frames;
    if (close_seen_) close_code_bytes_ = 2;  // half a code is none, and a second Close must not complete it
    return;
  }
  const bool last = (first_ & fin_bit) != 0;
  message_open_ = !last;
  if (last) ++counts_.messages;
}

}  // namespace tidegate::websocket
