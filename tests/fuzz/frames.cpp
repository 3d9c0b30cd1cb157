// WebSocket frames. The first byte says who sends (bit 0) and whether RSV1 was agreed on (bit 1). The scanner
// follows them across any split and finds what a plain reader of the whole finds.
#include <optional>

#include "tests/fuzz/target.hpp"
#include "wire/websocket/close_frame.hpp"
#include "wire/websocket/frame_scanner.hpp"

using namespace tidegate::websocket;
using namespace tidegate::fuzz;

namespace {

// The complete frames at the front of the bytes, by RFC 6455 5.2 read once from the top.
struct Plain {
  FrameCounts counts;
  std::size_t size = 0;
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
  while (const auto size = frame_size(bytes.substr(plain.size))) {
    const auto first = static_cast<unsigned char>(bytes[plain.size]);
    ++plain.counts.frames;
    if ((first & 0x08U) != 0) {
      ++plain.counts.control_frames;
    } else if ((first & 0x80U) != 0) {
      ++plain.counts.messages;
    }
    plain.size += *size;
  }
  return plain;
}

FrameScanner scan(std::string_view bytes, Sender sender, bool rsv1, std::size_t piece) {
  FrameScanner scanner(sender, rsv1);
  for (std::size_t at = 0; at < bytes.size(); at += piece) scanner.consume(bytes.substr(at, piece));
  return scanner;
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
  const auto scanner = scan(close.view(), sender, false, 3);
  require(scanner.fault() == FrameFault::none && scanner.at_boundary(), "an own Close is a frame");
  require(scanner.counts().frames == 1 && scanner.close_code() == code, "with its code");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto sender = (data[0] & 1U) != 0 ? Sender::server : Sender::client;
  const bool rsv1 = (data[0] & 2U) != 0;
  const auto bytes = text_of(data + 1, size - 1);
  const auto whole = scan(bytes, sender, rsv1, bytes.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, bytes.size() / 3 + 1}) {
    const auto split = scan(bytes, sender, rsv1, piece);
    require(split.fault() == whole.fault() && equal(split.counts(), whole.counts()),
            "a split changes the outcome");
    require(split.close_code() == whole.close_code() && split.at_boundary() == whole.at_boundary(),
            "a split changes the state");
  }
  if (whole.fault() == FrameFault::none) {
    const auto plain = read_plainly(bytes);
    require(equal(plain.counts, whole.counts()), "the scanner counts what is there");
    require(whole.at_boundary() == (plain.size == bytes.size()), "and knows its boundaries");
  }
  check_close(bytes, sender);
  return 0;
}
