// WebSocket frames. The first byte says who sends (bit 0), whether RSV1 was agreed on (bit 1) and whether
// faults end the conversation (bit 2). The scanner follows them across any split, finds what a plain reader
// of the whole finds, and passes on what came and nothing else.
#include <optional>
#include <string>

#include "tests/fuzz/target.hpp"
#include "wire/websocket/control_frame.hpp"
#include "wire/websocket/frame_scanner.hpp"

using namespace tidegate::websocket;
using namespace tidegate::fuzz;

namespace {

// The complete frames at the front of the bytes, by RFC 6455 5.2 read once from the top.
struct Plain {
  FrameCounts counts;
  std::size_t size = 0;
  bool closed = false;  // with a Close; nothing behind it was read
};

std::optional<std::size_t> frame_size(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  std::size_t header = 2;
  std::uint64_t length = byte(1) & 0x7fU;
  const std::size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < header + extra) return std::nullopt;
  if (extra > 0) length = 0;
  for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(header + i);
  header += extra + ((byte(1) & 0x80U) != 0 ? 4 : 0);
  if (bytes.size() < header || bytes.size() - header < length) return std::nullopt;
  return header + static_cast<std::size_t>(length);
}

Plain read_plainly(std::string_view bytes) {
  Plain plain;
  while (!plain.closed) {
    const auto size = frame_size(bytes.substr(plain.size));
    if (!size) break;
    const auto first = static_cast<unsigned char>(bytes[plain.size]);
    ++plain.counts.frames;
    if ((first & 0x08U) != 0) {
      ++plain.counts.control_frames;
    } else if ((first & 0x80U) != 0) {
      ++plain.counts.messages;
    }
    plain.closed = (first & 0x0fU) == static_cast<unsigned>(Opcode::close);
    plain.size += *size;
  }
  return plain;
}

struct Scanned {
  FrameScanner scanner;
  std::string passed;
};

Scanned scan(std::string_view bytes, const FrameScanner& begin, const FrameRules& rules, std::size_t piece) {
  Scanned scanned{begin, {}};
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    scanned.scanner.filter(bytes.substr(at, piece), rules,
                           [&](std::string_view run) { scanned.passed.append(run); });
  return scanned;
}

bool equal(const FrameCounts& a, const FrameCounts& b) {
  return a.messages == b.messages && a.frames == b.frames && a.control_frames == b.control_frames;
}

// A Close with the code and reason that the input holds is one frame that says the same.
void check_close(std::string_view bytes, Sender sender) {
  if (bytes.size() < 6) return;
  const auto byte = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at]));
  };
  const auto code = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
  if (!is_sendable_close_code(code)) return;
  const auto close =
      make_close(sender, code, bytes.substr(6), byte(2) << 24 | byte(3) << 16 | byte(4) << 8 | byte(5));
  const auto [scanner, passed] = scan(close.view(), FrameScanner(sender, 0), {.enforced = true}, 3);
  require(scanner.fault() == FrameFault::none && scanner.at_boundary(), "an own Close is a frame");
  require(scanner.counts().frames == 1 && scanner.close_code() == code, "with its code");
  require(passed == close.view(), "that goes on");
}

void check_same(const Scanned& one, const Scanned& other) {
  require(one.passed == other.passed, "a split changes what goes on");
  const auto& a = one.scanner;
  const auto& b = other.scanner;
  require(a.fault() == b.fault() && equal(a.counts(), b.counts()), "a split changes the outcome");
  require(a.close_code() == b.close_code() && a.at_boundary() == b.at_boundary(),
          "a split changes the state");
}

void check_faultless(std::string_view bytes, const Scanned& whole, bool enforced) {
  const auto plain = read_plainly(bytes);
  if (!plain.closed) {
    require(equal(plain.counts, whole.scanner.counts()), "the scanner counts what is there");
  } else if (enforced) {
    require(whole.passed.size() == plain.size, "nothing goes on behind a Close");
  }
  if (plain.closed && !enforced) return;
  require(whole.passed.size() >= plain.size, "whole frames go on");
  require(whole.scanner.at_boundary() == (plain.size == whole.passed.size()), "and it knows its boundaries");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto sender = (data[0] & 1U) != 0 ? Sender::server : Sender::client;
  const FrameScanner begin(sender, (data[0] & 2U) != 0 ? reserved_bits_of("permessage-deflate") : 0);
  const FrameRules rules{.enforced = (data[0] & 4U) != 0};
  const auto bytes = text_of(data + 1, size - 1);
  const auto whole = scan(bytes, begin, rules, bytes.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, bytes.size() / 3 + 1})
    check_same(whole, scan(bytes, begin, rules, piece));
  require(bytes.substr(0, whole.passed.size()) == whole.passed, "what came goes on, and nothing else");
  if (!rules.enforced)
    require(whole.scanner.fault() == FrameFault::none || whole.passed == bytes, "all of it where none ends");
  if (whole.scanner.fault() == FrameFault::none) check_faultless(bytes, whole, rules.enforced);
  check_close(bytes, sender);
  return 0;
}
