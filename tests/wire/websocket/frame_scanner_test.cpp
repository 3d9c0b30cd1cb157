#include "wire/websocket/frame_scanner.hpp"

#include <random>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/wire/http/splits.hpp"
#include "tests/wire/websocket/frame_encoder.hpp"

using namespace tidegate::websocket;
using namespace tidegate::tests;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

constexpr std::uint8_t kRsv1 = 0x40;

// All that a scanner tells, to be compared as one.
std::string words_of(const FrameScanner& scanner) {
  const auto& counts = scanner.counts();
  return "messages " + std::to_string(counts.messages) + ", frames " + std::to_string(counts.frames) +
         ", control " + std::to_string(counts.control_frames) +
         (scanner.close_seen() ? ", close " : ", no close ") + std::to_string(scanner.close_code()) +
         ", fault " + std::to_string(static_cast<int>(scanner.fault())) +
         (scanner.at_boundary() ? ", boundary" : ", inside");
}

std::string scan(const Split& split, Sender sender, std::uint8_t reserved_bits = 0) {
  FrameScanner scanner(sender, reserved_bits);
  for (const auto piece : split.pieces) scanner.consume(piece);
  return words_of(scanner);
}

void check_scan(std::string_view bytes, Sender sender, std::string_view expected,
                std::uint8_t reserved_bits = 0) {
  for (const auto& split : splits_of(bytes)) {
    INFO(split.name);
    CHECK(scan(split, sender, reserved_bits) == expected);
  }
}

void check_fault(std::string_view bytes, Sender sender, FrameFault fault, std::uint8_t reserved_bits = 0) {
  for (const auto& split : splits_of(bytes)) {
    INFO(split.name);
    FrameScanner scanner(sender, reserved_bits);
    for (const auto piece : split.pieces) scanner.consume(piece);
    CHECK(scanner.fault() == fault);
    CHECK_FALSE(scanner.at_boundary());
  }
}

std::string frame(Opcode opcode, std::string_view payload, Sender sender = Sender::server, bool fin = true,
                  std::uint8_t reserved = 0) {
  return encode({opcode, fin, std::string(payload), reserved}, sender);
}

}  // namespace

TEST_CASE("RFC 6455 5.7: the examples of the standard") {
  check_scan("\x81\x05Hello", Sender::server,
             "messages 1, frames 1, control 0, no close 0, fault 0, boundary");
  check_scan("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", Sender::client,
             "messages 1, frames 1, control 0, no close 0, fault 0, boundary");
  check_scan("\x01\x03Hel\x80\x02lo", Sender::server,
             "messages 1, frames 2, control 0, no close 0, fault 0, boundary");
  check_scan("\x89\x05Hello", Sender::server,
             "messages 0, frames 1, control 1, no close 0, fault 0, boundary");
  check_scan("\x82\x7e\x01\x00"s + std::string(256, 'x'), Sender::server,
             "messages 1, frames 1, control 0, no close 0, fault 0, boundary");
}

TEST_CASE("RFC 6455 5.4: control frames may stand between the fragments of a message") {
  const auto bytes = frame(Opcode::text, "a", Sender::server, false) + frame(Opcode::ping, "p") +
                     frame(Opcode::continuation, "b", Sender::server, false) + frame(Opcode::pong, "") +
                     frame(Opcode::continuation, "c");
  check_scan(bytes, Sender::server, "messages 1, frames 5, control 2, no close 0, fault 0, boundary");
}

TEST_CASE("a boundary is where no frame is open, between fragments too") {
  FrameScanner scanner(Sender::server, 0);
  CHECK(scanner.at_boundary());
  const auto bytes = frame(Opcode::text, "ab", Sender::server, false) + frame(Opcode::continuation, "");
  // What is passed on stands between two frames while a header is held.
  const bool expected[] = {true, false, false, true, true, true};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    scanner.consume(std::string_view(bytes).substr(i, 1));
    CHECK(scanner.at_boundary() == expected[i]);
  }
}

TEST_CASE("RFC 6455 5.2: lengths at the edges of their three forms") {
  for (const auto sender : {Sender::client, Sender::server}) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 70000U}) {
      CAPTURE(size);
      const auto bytes =
          frame(Opcode::binary, std::string(size, 'x'), sender) + frame(Opcode::text, "y", sender);
      FrameScanner whole(sender, 0);
      whole.consume(bytes);
      CHECK(words_of(whole) == "messages 2, frames 2, control 0, no close 0, fault 0, boundary");
      FrameScanner bytewise(sender, 0);
      for (const auto& byte : bytes) bytewise.consume({&byte, 1});
      CHECK(words_of(bytewise) == words_of(whole));
    }
  }
}

TEST_CASE("RFC 6455 5.2: a frame of 2^63-1 bytes is followed, not stored") {
  FrameScanner scanner(Sender::server, 0);
  scanner.consume("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"sv);
  CHECK(scanner.fault() == FrameFault::none);
  const std::string payload(1 << 20, 'x');
  for (int i = 0; i < 4096; ++i) scanner.consume(payload);
  CHECK_FALSE(scanner.at_boundary());
  CHECK(scanner.counts().frames == 0);
}

TEST_CASE("RFC 6455 5.2: a length not in its shortest form, or with its top bit set, is a fault") {
  const Frame small{Opcode::binary, true, std::string(125, 'x'), 0};
  check_fault(encode(small, Sender::server, LengthForm::two_bytes), Sender::server, FrameFault::bad_length);
  check_fault(encode(small, Sender::client, LengthForm::eight_bytes), Sender::client, FrameFault::bad_length);
  const Frame medium{Opcode::binary, true, std::string(126, 'x'), 0};
  check_fault(encode(medium, Sender::server, LengthForm::eight_bytes), Sender::server,
              FrameFault::bad_length);
  check_fault("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"sv, Sender::server, FrameFault::bad_length);
  check_fault("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"sv, Sender::server, FrameFault::bad_length);
}

TEST_CASE("RFC 6455 5.1: clients mask, servers do not") {
  check_fault(frame(Opcode::text, "a", Sender::server), Sender::client, FrameFault::bad_mask);
  check_fault(frame(Opcode::text, "a", Sender::client), Sender::server, FrameFault::bad_mask);
}

TEST_CASE("RFC 6455 5.2: reserved bits are faults, but RSV1 of data where an extension was agreed on") {
  check_fault(frame(Opcode::text, "a", Sender::server, true, 0x40), Sender::server,
              FrameFault::reserved_bits);
  check_fault(frame(Opcode::text, "a", Sender::server, true, 0x20), Sender::server, FrameFault::reserved_bits,
              kRsv1);
  check_fault(frame(Opcode::text, "a", Sender::server, true, 0x10), Sender::server, FrameFault::reserved_bits,
              kRsv1);
  check_fault(frame(Opcode::ping, "a", Sender::server, true, 0x40), Sender::server, FrameFault::reserved_bits,
              kRsv1);
  check_scan(frame(Opcode::text, "a", Sender::server, true, 0x40), Sender::server,
             "messages 1, frames 1, control 0, no close 0, fault 0, boundary", kRsv1);
}

TEST_CASE("RFC 6455 5.2: unknown opcodes are faults") {
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    CAPTURE(opcode);
    check_fault(frame(static_cast<Opcode>(opcode), "a"), Sender::server, FrameFault::bad_opcode);
  }
}

TEST_CASE("RFC 6455 5.5: control frames are short and whole") {
  check_fault(frame(Opcode::ping, std::string(126, 'x')), Sender::server, FrameFault::control_too_long);
  check_fault(frame(Opcode::close, std::string(70000, 'x')), Sender::server, FrameFault::control_too_long);
  check_fault(frame(Opcode::ping, "a", Sender::server, false), Sender::server,
              FrameFault::control_fragmented);
  check_scan(frame(Opcode::ping, std::string(125, 'x')), Sender::server,
             "messages 0, frames 1, control 1, no close 0, fault 0, boundary");
}

TEST_CASE("RFC 6455 5.4: continuations continue, and messages do not overlap") {
  check_fault(frame(Opcode::continuation, "a"), Sender::server, FrameFault::bad_sequence);
  const auto open = frame(Opcode::text, "a", Sender::server, false);
  check_fault(open + frame(Opcode::text, "b"), Sender::server, FrameFault::bad_sequence);
  check_fault(open + frame(Opcode::continuation, "b") + frame(Opcode::continuation, "c"), Sender::server,
              FrameFault::bad_sequence);
}

TEST_CASE("after a fault nothing is counted any more") {
  check_scan(frame(Opcode::text, "a") + frame(Opcode::continuation, "b") + frame(Opcode::text, "c"),
             Sender::server, "messages 1, frames 1, control 0, no close 0, fault 7, inside");
}

TEST_CASE("RFC 6455 5.5.1: the code of a Close is read, masked or not") {
  for (const auto sender : {Sender::client, Sender::server}) {
    check_scan(encode(close_with(1001), sender), sender,
               "messages 0, frames 1, control 1, close 1001, fault 0, boundary");
    check_scan(encode(close_with(4200, "going down"), sender), sender,
               "messages 0, frames 1, control 1, close 4200, fault 0, boundary");
    check_scan(frame(Opcode::text, "a", sender) + encode(close_with(1012, std::string(123, 'r')), sender),
               sender, "messages 1, frames 2, control 1, close 1012, fault 0, boundary");
  }
}

TEST_CASE("RFC 6455 7.1.5: a Close without a code counts as 1005, half a code as none") {
  for (const auto sender : {Sender::client, Sender::server}) {
    check_scan(frame(Opcode::close, "", sender), sender,
               "messages 0, frames 1, control 1, close 1005, fault 0, boundary");
    check_scan(frame(Opcode::close, "\x03", sender), sender,
               "messages 0, frames 1, control 1, close 0, fault 0, boundary");
    check_scan(frame(Opcode::close, "\x03", sender) + encode(close_with(1000), sender), sender,
               "messages 0, frames 2, control 2, close 0, fault 0, boundary");
  }
  check_scan("\x88\x02\x03"sv, Sender::server, "messages 0, frames 0, control 0, close 0, fault 0, inside");
}

TEST_CASE("RFC 6455 5.5.1: the first Close counts") {
  check_scan(encode(close_with(1001), Sender::client) + encode(close_with(1000), Sender::client),
             Sender::client, "messages 0, frames 2, control 2, close 1001, fault 0, boundary");
  check_scan(frame(Opcode::close, "") + encode(close_with(1000), Sender::server), Sender::server,
             "messages 0, frames 2, control 2, close 1005, fault 0, boundary");
}

TEST_CASE("random conversations give the counts they were made of, in every split") {
  constexpr std::size_t sizes[] = {0, 1, 2, 5, 30, 125, 126, 200, 1000};
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto sender = seed % 2 == 0 ? Sender::client : Sender::server;
    FrameCounts counts;
    std::string bytes;
    bool open = false;
    for (auto frames = 1 + random() % 30; frames > 0; --frames) {
      ++counts.frames;
      if (random() % 4 == 0) {
        ++counts.control_frames;
        bytes +=
            frame(random() % 2 == 0 ? Opcode::ping : Opcode::pong, std::string(random() % 126, 'p'), sender);
        continue;
      }
      const bool fin = random() % 2 == 0;
      const auto opcode = open ? Opcode::continuation : random() % 2 == 0 ? Opcode::text : Opcode::binary;
      const std::uint8_t reserved = !open && random() % 2 == 0 ? 0x40 : 0;
      bytes += frame(opcode, std::string(sizes[random() % std::size(sizes)], 'd'), sender, fin, reserved);
      open = !fin;
      if (fin) ++counts.messages;
    }
    const auto code = static_cast<std::uint16_t>(3000 + random() % 2000);
    bytes += encode(close_with(code, "end"), sender);
    const auto expected = "messages " + std::to_string(counts.messages) + ", frames " +
                          std::to_string(counts.frames + 1) + ", control " +
                          std::to_string(counts.control_frames + 1) + ", close " + std::to_string(code) +
                          ", fault 0, boundary";
    CAPTURE(seed);
    check_scan(bytes, sender, expected, kRsv1);
  }
}

// === what goes on ===

namespace {

struct Passed {
  std::string bytes;
  FrameFault fault = FrameFault::none;
  bool boundary = false;
};

Passed pass(const Split& split, Sender sender, const FrameRules& rules) {
  FrameScanner scanner(sender, 0);
  Passed passed;
  for (const auto piece : split.pieces)
    scanner.filter(piece, rules, [&](std::string_view run) { passed.bytes += run; });
  passed.fault = scanner.fault();
  passed.boundary = scanner.at_boundary();
  return passed;
}

// In every split the same bytes go on.
void check_passed(std::string_view bytes, Sender sender, const FrameRules& rules, std::string_view expected,
                  FrameFault fault = FrameFault::none) {
  for (const auto& split : splits_of(bytes)) {
    INFO(split.name);
    const auto passed = pass(split, sender, rules);
    CHECK(passed.bytes == expected);
    CHECK(passed.fault == fault);
    CHECK(passed.boundary == (rules.enforced || fault == FrameFault::none));
  }
}

constexpr FrameRules kEnforced{.enforced = true};

}  // namespace

TEST_CASE("what is sound goes on unchanged, enforced or not") {
  for (const auto sender : {Sender::client, Sender::server}) {
    const auto bytes = frame(Opcode::text, "a", sender, false) + frame(Opcode::ping, "p", sender) +
                       frame(Opcode::continuation, std::string(70'000, 'x'), sender) +
                       frame(Opcode::pong, "12345678", sender) + encode(close_with(1000), sender);
    check_passed(bytes, sender, kEnforced, bytes);
    check_passed(bytes, sender, {}, bytes);
  }
}

TEST_CASE("the bytes of half a header wait for the other half") {
  FrameScanner scanner(Sender::server, 0);
  std::string passed;
  const auto feed = [&](std::string_view bytes) {
    scanner.filter(bytes, {}, [&](std::string_view run) { passed += run; });
  };
  feed("\x82\x7e\x01"sv);
  CHECK(passed.empty());
  CHECK(scanner.at_boundary());
  feed("\x00x"sv);
  CHECK(passed == "\x82\x7e\x01\x00x"sv);
  CHECK_FALSE(scanner.at_boundary());
}

TEST_CASE("from a faulty frame on nothing goes on, and the stream stands between two frames") {
  const auto good = frame(Opcode::text, "good");
  const auto more = frame(Opcode::text, "more");
  check_passed(good + frame(Opcode::text, "bad", Sender::client) + more, Sender::server, kEnforced, good,
               FrameFault::bad_mask);
  check_passed(good + "\x82\x7e\x00\x7d"s + std::string(125, 'x'), Sender::server, kEnforced, good,
               FrameFault::bad_length);
  const auto bytes = good + frame(static_cast<Opcode>(3), "bad") + more;
  check_passed(bytes, Sender::server, {}, bytes, FrameFault::bad_opcode);
}

TEST_CASE("behind a Close nothing goes on where the rules are enforced (RFC 6455 5.5.1)") {
  const auto close = encode(close_with(1000, "bye"), Sender::client);
  const auto more = frame(Opcode::text, "more", Sender::client);
  check_passed(close + more, Sender::client, kEnforced, close);
  check_passed(close + more, Sender::client, {}, close + more);
}

TEST_CASE(
    "frames and messages over their limits are faults; control frames and the fragments before are not") {
  const FrameRules rules{.enforced = true, .frame_bytes = 10, .message_bytes = 15};
  const auto fits = frame(Opcode::binary, "0123456789") + frame(Opcode::ping, "twelve bytes");
  check_passed(fits + frame(Opcode::binary, "0123456789x"), Sender::server, rules, fits,
               FrameFault::frame_too_big);
  const auto fragments = frame(Opcode::text, "0123456789", Sender::server, false) +
                         frame(Opcode::continuation, "01234", Sender::server, false) +
                         frame(Opcode::continuation, "", Sender::server, false);
  check_passed(fits + fragments + frame(Opcode::continuation, "5"), Sender::server, rules, fits + fragments,
               FrameFault::message_too_big);
  check_passed(fits + fragments + frame(Opcode::continuation, "") + fits, Sender::server, rules,
               fits + fragments + frame(Opcode::continuation, "") + fits);
}

TEST_CASE("the gateway's own pongs do not go on, any others do") {
  const PingCookie cookie{'c', 'o', 'o', 'k', 'i', 'e', '0', '1'};
  for (const auto sender : {Sender::client, Sender::server}) {
    const auto before = frame(Opcode::text, "before", sender) + frame(Opcode::pong, "cookie02", sender) +
                        frame(Opcode::pong, "cookie", sender);
    const auto own = frame(Opcode::pong, "cookie01", sender);
    const auto after = frame(Opcode::text, "after", sender) + frame(Opcode::pong, "cookie010", sender);
    const auto bytes = before + own + own + after + own;
    for (const auto& split : splits_of(bytes)) {
      INFO(split.name);
      FrameScanner scanner(sender, 0);
      scanner.withhold_pongs(cookie);
      std::string passed;
      for (const auto piece : split.pieces)
        scanner.filter(piece, kEnforced, [&](std::string_view run) { passed += run; });
      CHECK(passed == before + after);
      CHECK(scanner.counts().frames == 5);
      CHECK(scanner.counts().control_frames == 3);
    }
  }
}

TEST_CASE("pings and pongs that go on are noted") {
  FrameScanner scanner(Sender::client, 0);
  scanner.consume(frame(Opcode::text, "a", Sender::client));
  CHECK_FALSE(scanner.ping_open());
  CHECK_FALSE(scanner.take_pong());
  scanner.consume(frame(Opcode::ping, "a", Sender::client) + frame(Opcode::pong, "a", Sender::client));
  CHECK(scanner.ping_open());
  CHECK(scanner.take_pong());
  CHECK_FALSE(scanner.take_pong());
  scanner.close_ping();
  CHECK_FALSE(scanner.ping_open());
}

TEST_CASE("the reserved bits that an agreed extension may use") {
  CHECK(reserved_bits_of("") == 0);
  CHECK(reserved_bits_of("permessage-deflate; server_no_context_takeover") == kRsv1);
  CHECK(reserved_bits_of("permessage-deflate") == kRsv1);
  CHECK(reserved_bits_of("x-other") == 0x70);
  CHECK(reserved_bits_of("permessage-deflate, x-other") == 0x70);
}
