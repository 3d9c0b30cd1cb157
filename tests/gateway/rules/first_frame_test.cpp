// What a pod's first frame says of the pod, as tables; each row whole and byte by byte.
#include "gateway/exchange/first_frame.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/wire/websocket/frame_encoder.hpp"

using namespace tidegate::gateway;
using tidegate::tests::close_with;
using tidegate::tests::encode;
using tidegate::tests::Frame;
using tidegate::tests::LengthForm;
using tidegate::websocket::Opcode;
using tidegate::websocket::Sender;

namespace {

struct Row {
  std::string name;
  std::string bytes;
  FirstFrame frame = FirstFrame::ordinary;
  std::uint16_t code = 0;
};

std::string text(std::string payload) {
  return encode({Opcode::text, true, std::move(payload), 0}, Sender::server);
}

std::string close(std::uint16_t code, std::string_view reason = {}) {
  return encode(close_with(code, reason), Sender::server);
}

std::string error(const std::string& data) {
  return text(R"({"event":"pusher:error","data":)" + data + "}");
}

const std::string kSoketi = R"({"code":4200,"message":"Server closed. Please reconnect shortly."})";

const std::vector<Row> kRows{
    {"Close 4200", close(4200), FirstFrame::close, 4200},
    {"Close with a reason", close(4299, "Server closed"), FirstFrame::close, 4299},
    {"Close 1001", close(1001), FirstFrame::close, 1001},
    {"Close 1012", close(1012), FirstFrame::close, 1012},
    {"Close 1013", close(1013), FirstFrame::close, 1013},
    {"and what comes behind it", close(4200) + "anything", FirstFrame::close, 4200},
    {"Close 1000", close(1000)},
    {"Close 1011", close(1011)},
    {"Close for no pong", close(4201), FirstFrame::close, 4201},
    {"Close 4199", close(4199)},
    {"Close 4300", close(4300)},
    {"Close 4001: no such app", close(4001)},
    {"Close without a code", encode({Opcode::close, true, {}, 0}, Sender::server)},
    {"Close with half a code", encode({Opcode::close, true, "\x10", 0}, Sender::server)},
    {"Close of 126 bytes and more", encode(close_with(4200, std::string(200, 'x')), Sender::server)},
    {"masked Close", encode(close_with(4200), Sender::client)},
    {"fragment of a Close", encode({Opcode::close, false, "\x10\x68", 0}, Sender::server)},
    {"Close with a reserved bit", encode({Opcode::close, true, "\x10\x68", 0x40}, Sender::server)},

    {"Soketi's farewell", error(kSoketi), FirstFrame::error, 4200},
    {"farewell and Close", error(kSoketi) + close(4200), FirstFrame::error, 4200},
    {"data as a string", error(R"("{\"code\":4200,\"message\":\"bye\"}")"), FirstFrame::error, 4200},
    {"members in another order", text(R"({ "data" : { "code" : 4250 } , "event" : "pusher:error" })"),
     FirstFrame::error, 4250},
    {"over 125 bytes", error(R"({"code":4200,"message":")" + std::string(200, 'x') + R"("})"),
     FirstFrame::error, 4200},
    {"over the limit",
     error(R"({"code":4200,"message":")" + std::string(longest_first_payload, 'x') + R"("})")},
    {"with 64 bits of length",
     encode({Opcode::text, true, std::string(70'000, 'x'), 0}, Sender::server, LengthForm::eight_bytes)},
    {"another code of Pusher's", error(R"({"code":4100,"message":"Over capacity"})")},
    {"code about a silent client", error(R"({"code":4201,"message":"no pong"})"), FirstFrame::error, 4201},
    {"code of a Close, not of Pusher", error(R"({"code":1012})")},
    {"code beyond 16 bits", error(R"({"code":69736})")},
    {"code below nothing", error(R"({"code":-61336})")},
    {"code as a text", error(R"({"code":"4200"})")},
    {"code with a fraction", error(R"({"code":4200.5})")},
    {"no code", error(R"({"message":"x"})")},
    {"data of another kind", error("[4200]")},
    {"data as a string of something else", error(R"("4200")")},
    {"data as a string of a string", error(R"("\"{}\"")")},
    {"no data", text(R"({"event":"pusher:error"})")},
    {"another event that quotes it", text(R"({"event":"x","data":{"code":4200,"m":"pusher:error"}})")},
    {"event of another kind", text(R"({"event":["pusher:error"],"data":{"code":4200}})")},
    {"not JSON", text("pusher:error 4200")},
    {"half of it", text(R"({"event":"pusher:error","data":{"code":4200)")},
    {"no object", text(R"(["pusher:error", 4200])")},
    {"the greeting", text(R"({"event":"pusher:connection_established","data":"{\"socket_id\":\"1.1\"}"})")},
    {"a text of nothing", text("")},
    {"a fragment",
     encode({Opcode::text, false, R"({"event":"pusher:error","data":{"code":4200}})", 0}, Sender::server)},
    {"a compressed text", encode({Opcode::text, true, "pusher:error", 0x40}, Sender::server)},
    {"a masked text", encode({Opcode::text, true, "x", 0}, Sender::client)},
    {"a binary message", encode({Opcode::binary, true, "x", 0}, Sender::server)},
    {"a ping", encode({Opcode::ping, true, {}, 0}, Sender::server)},
    {"no frame at all", "HTTP/1.1 200 OK\r\n\r\n"},
};

}  // namespace

TEST_CASE("a pod's first frame: what sends the client away, and what is the client's") {
  for (const auto& row : kRows) {
    CAPTURE(row.name);
    const auto words = read_first_frame(row.bytes);
    CHECK(static_cast<int>(words.frame) == static_cast<int>(row.frame));
    CHECK(words.code == row.code);
  }
}

TEST_CASE("byte by byte: nothing is said too early, and what was said stays") {
  for (const auto& row : kRows) {
    CAPTURE(row.name);
    bool told = false;
    for (std::size_t size = 0; size <= row.bytes.size() && !told; ++size) {
      CAPTURE(size);
      const auto words = read_first_frame(std::string_view(row.bytes).substr(0, size));
      told = words.frame != FirstFrame::incomplete;
      if (!told) continue;
      CHECK(static_cast<int>(words.frame) == static_cast<int>(row.frame));
      CHECK(words.code == row.code);
    }
    CHECK(told);
  }
}

TEST_CASE("the code of a Close is enough, and a message that is too long is not waited for") {
  CHECK(read_first_frame(close(4200, "some reason").substr(0, 4)).frame == FirstFrame::close);
  const auto large = text(std::string(longest_first_payload + 1, 'x'));
  CHECK(read_first_frame(large.substr(0, 4)).frame == FirstFrame::ordinary);
  CHECK(read_first_frame(large.substr(0, 3)).frame == FirstFrame::incomplete);
}

TEST_CASE("a cause says what the pod has said") {
  CHECK(describe({FirstFrame::close, 1012}) == "answered a handshake by Close 1012");
  CHECK(describe({FirstFrame::error, 4200}) == "answered a handshake by pusher:error 4200");
}
