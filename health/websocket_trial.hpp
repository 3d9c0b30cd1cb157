// The conversation of a WebSocket probe: a handshake, a ping, and what has to come back (RFC 6455 4.1, 5.5).
// Pure: bytes in, the next step out; the probe performs it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "conf/probe.hpp"
#include "health/probe_result.hpp"
#include "wire/http/head_parser.hpp"
#include "wire/websocket/control_frame.hpp"

namespace tidegate::health {

// To be drawn anew for every handshake, so that no cache between can have the answer.
struct TrialRandom {
  std::array<unsigned char, 16> key{};
  websocket::PingCookie cookie{};
  std::array<std::uint32_t, 2> masks{};  // of the ping and of the Close
};

class WebSocketTrial {
 public:
  enum class Step : std::uint8_t {
    listen,  // more bytes are wanted
    ping,    // `ping` has to be sent, then more bytes are wanted
    end,     // `outcome` and `evidence` say what was found; then `farewell` is due
  };

  // `authority`: of the endpoint, where the action names no host.
  WebSocketTrial(const conf::WebSocketAction& action, std::string_view authority, const TrialRandom& random);
  WebSocketTrial(const WebSocketTrial&) = delete;
  WebSocketTrial& operator=(const WebSocketTrial&) = delete;

  [[nodiscard]] std::string_view request() const { return request_; }
  // Takes what the endpoint sends, in any split; not after `end`.
  [[nodiscard]] Step receive(std::string_view bytes);
  [[nodiscard]] std::string_view ping() const { return ping_.view(); }
  // The Close; empty where no WebSocket was opened.
  [[nodiscard]] std::string_view farewell() const;

  [[nodiscard]] ProbeOutcome outcome() const { return outcome_; }
  // "101 and pong", "HTTP 502 instead of 101", "Close 4001 before the pong".
  [[nodiscard]] const std::string& evidence() const { return evidence_; }
  // Of the answer to the handshake; 0 before.
  [[nodiscard]] int status() const { return status_; }

 private:
  [[nodiscard]] Step read_head();
  [[nodiscard]] Step judge_head(const http::ResponseHead& response);
  [[nodiscard]] Step follow(std::string_view bytes);
  Step end(ProbeOutcome outcome, std::string evidence);

  TrialRandom random_;
  std::string key_;      // of the handshake, in base64
  std::string offered_;  // subprotocols, as a list
  std::string request_;
  std::string head_;  // bytes of the answer's head, until it is whole
  http::HeadParser parser_;
  int interim_answers_ = 0;
  int status_ = 0;
  bool opened_ = false;
  std::uint64_t frame_bytes_ = 0;
  websocket::FrameScanner scanner_{websocket::Sender::server, 0};
  websocket::ControlFrame ping_;
  websocket::ControlFrame close_;
  ProbeOutcome outcome_ = ProbeOutcome::internal;
  std::string evidence_;
};

}  // namespace tidegate::health
