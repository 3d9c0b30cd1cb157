#include "health/websocket_trial.hpp"

#include "tests/support/catch.hpp"
#include "tests/wire/http/splits.hpp"
#include "tests/wire/websocket/frame_encoder.hpp"
#include "wire/http/upgrade.hpp"

using namespace tidegate;
using namespace tidegate::health;
using tests::encode;
using tests::Frame;
using websocket::Opcode;
using websocket::Sender;
using Step = WebSocketTrial::Step;

namespace {

TrialRandom fixed() {
  TrialRandom random;
  random.cookie = {1, 2, 3, 4, 5, 6, 7, 8};
  random.masks = {0xa1b2c3d4, 0x01020304};
  return random;  // the key is sixteen zeros
}

constexpr std::string_view kKey = "AAAAAAAAAAAAAAAAAAAAAA==";
const std::string kCookie("\x01\x02\x03\x04\x05\x06\x07\x08");

std::string switching(const std::string& more = {}) {
  const auto accept = http::accept_of(kKey);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         std::string(accept.data(), accept.size()) + "\r\n" + more + "\r\n";
}

std::string from_pod(Frame frame) {
  return encode(frame, Sender::server);
}

std::string pong(const std::string& payload = kCookie) {
  return from_pod({Opcode::pong, true, payload, 0});
}

// What was found after all of `pieces`, and whether the ping was sent.
struct Found {
  bool ended = false;
  bool pinged = false;
  ProbeOutcome outcome{};
  std::string evidence;
};

Found hold(const std::vector<std::string_view>& pieces, const conf::WebSocketAction& action = {}) {
  WebSocketTrial trial(action, "pod:80", fixed());
  Found found;
  for (const auto piece : pieces) {
    const auto step = trial.receive(piece);
    found.pinged = found.pinged || step == Step::ping;
    found.ended = step == Step::end;
    if (found.ended) break;
  }
  found.outcome = trial.outcome();
  found.evidence = trial.evidence();
  return found;
}

}  // namespace

TEST_CASE("the handshake of a probe is written as configured") {
  conf::WebSocketAction action;
  SECTION("by default") {
    const WebSocketTrial trial(action, "10.0.0.1:6001", fixed());
    CHECK(trial.request() ==
          "GET / HTTP/1.1\r\nHost: 10.0.0.1:6001\r\nUser-Agent: kube-probe/tidegate\r\nUpgrade: websocket\r\n"
          "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
          "Sec-WebSocket-Version: 13\r\n\r\n");
  }
  SECTION("in full") {
    action.path = "/app/key?protocol=7";
    action.host = "ws.example.com";
    action.protocols = {"chat.v2", "chat.v1"};
    action.http_headers = {{"Origin", "https://example.com"}, {"user-agent", "own"}};
    const WebSocketTrial trial(action, "10.0.0.1:6001", fixed());
    const std::string head(trial.request());
    CHECK(head.starts_with("GET /app/key?protocol=7 HTTP/1.1\r\nHost: ws.example.com\r\nUpgrade: "));
    CHECK(head.find("\r\nSec-WebSocket-Protocol: chat.v2, chat.v1\r\n") != std::string::npos);
    CHECK(head.ends_with("\r\nOrigin: https://example.com\r\nuser-agent: own\r\n\r\n"));
  }
  // The gateway itself would take it for what it is.
  const WebSocketTrial trial(action, "10.0.0.1:6001", fixed());
  http::HeadParser parser;
  http::RequestHead request;
  REQUIRE(parser.parse_request(trial.request(), request) == http::Progress::complete);
  CHECK(http::upgrade_asked(request, {}) == http::UpgradeAsk::websocket);
}

TEST_CASE("what an endpoint answers to a WebSocket probe, however it is split") {
  struct Row {
    std::string name;
    std::string answer;
    ProbeOutcome outcome;
    std::string evidence;
    bool pinged = true;
  };
  const std::string greeting = from_pod({Opcode::text, true, std::string(300, 'x'), 0});
  const auto pass = ProbeOutcome::pass;
  const auto not_ready = ProbeOutcome::not_ready;
  const auto invalid = ProbeOutcome::invalid_answer;
  const std::string not_offered = "Sec-WebSocket-Protocol: chat\r\n";
  const Row rows[] = {
      {"pong", switching() + pong(), pass, "101 and pong"},
      {"greeting, ping and another's pong first",
       switching() + greeting + from_pod({Opcode::ping, true, "hi", 0}) + pong("12345678") + pong(), pass,
       "101 and pong"},
      {"interim answers first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + switching() + pong(), pass,
       "101 and pong"},
      {"within a fragmented message", switching() + from_pod({Opcode::text, false, "half", 0}) + pong(), pass,
       "101 and pong"},
      {"200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", not_ready, "HTTP 200 instead of 101", false},
      {"502", "HTTP/1.1 502 Bad Gateway\r\n\r\n", not_ready, "HTTP 502 instead of 101", false},
      {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", invalid,
       "the answer is not HTTP: " + std::string(describe(http::HeadError::bad_status_line)), false},
      {"without Accept", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", invalid,
       "the 101 is faulty: Sec-WebSocket-Accept is missing or wrong", false},
      {"a subprotocol that was not offered", switching(not_offered) + pong(), invalid,
       "the 101 is faulty: the subprotocol was not offered", false},
      {"an extension that was not offered", switching("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
       invalid, "the 101 is faulty: an extension was not offered, or there are too many", false},
      {"Close instead of the pong", switching() + from_pod(tests::close_with(4001, "no such app")), not_ready,
       "Close 4001 before the pong"},
      {"masked frames", switching() + encode({Opcode::text, true, "x", 0}, Sender::client), invalid,
       "a frame is faulty: masked by the wrong side"},
      {"bytes instead of frames", switching() + std::string(20, '\x7f'), invalid,
       "a frame is faulty: reserved bits are set"},
  };
  for (const auto& row : rows) {
    for (const auto& split : tests::splits_of(row.answer)) {
      CAPTURE(row.name, split.name);
      const auto found = hold(split.pieces);
      CHECK(found.ended);
      CHECK(found.outcome == row.outcome);
      CHECK(found.evidence == row.evidence);
      if (split.name == "byte by byte") CHECK(found.pinged == row.pinged);
    }
  }
}

TEST_CASE("a subprotocol that was offered passes") {
  conf::WebSocketAction action;
  action.protocols = {"mqtt", "chat"};
  const auto answer = switching("Sec-WebSocket-Protocol: chat\r\n") + pong();
  CHECK(hold({answer}, action).outcome == ProbeOutcome::pass);
}

TEST_CASE("what a WebSocket probe listens to is bounded") {
  WebSocketTrial trial({}, "pod:80", fixed());
  SECTION("frames without end") {
    REQUIRE(trial.receive(switching()) == Step::ping);
    const auto frame = from_pod({Opcode::binary, true, std::string(60'000, 'x'), 0});
    int frames = 0;
    while (trial.receive(frame) == Step::listen) REQUIRE(++frames < 100);
    CHECK(trial.outcome() == ProbeOutcome::invalid_answer);
  }
  SECTION("a head without end") {
    int lines = 0;
    auto step = trial.receive("HTTP/1.1 101 x\r\n");
    while (step == Step::listen) {
      REQUIRE(++lines < 10'000);
      step = trial.receive("X: " + std::string(100, 'x') + "\r\n");
    }
    CHECK(trial.outcome() == ProbeOutcome::invalid_answer);
  }
  SECTION("interim answers without end") {
    int answers = 0;
    while (trial.receive("HTTP/1.1 103 Early Hints\r\n\r\n") == Step::listen) REQUIRE(++answers < 100);
    CHECK(trial.outcome() == ProbeOutcome::not_ready);
  }
}

TEST_CASE("ping and Close are masked, and a Close is due only on an open WebSocket") {
  WebSocketTrial trial({}, "pod:80", fixed());
  SECTION("open") {
    REQUIRE(trial.receive(switching()) == Step::ping);
    CHECK(trial.ping() == websocket::make_ping(Sender::client, fixed().cookie, 0xa1b2c3d4).view());
    REQUIRE(trial.receive(pong()) == Step::end);
    CHECK(trial.farewell() == websocket::make_close(Sender::client, 1000, {}, 0x01020304).view());
  }
  SECTION("after a fault") {
    REQUIRE(trial.receive(switching()) == Step::ping);
    REQUIRE(trial.receive("\x7f\x7f") == Step::end);
    CHECK(trial.farewell() == websocket::make_close(Sender::client, 1002, {}, 0x01020304).view());
  }
  SECTION("never opened") {
    REQUIRE(trial.receive("HTTP/1.1 404 Not Found\r\n\r\n") == Step::end);
    CHECK(trial.farewell().empty());
  }
}
