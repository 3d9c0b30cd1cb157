// WebSockets in the hands of a test: handshakes and frames as bytes, both ends under control.
#pragma once

#include <string>
#include <string_view>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/certificates.hpp"
#include "tests/wire/websocket/frame_encoder.hpp"

namespace tidegate::test {

using websocket::Opcode;

// The example of RFC 6455 1.3: a key, and the answer to it.
inline constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// A handshake, with further fields as whole lines.
[[nodiscard]] std::string handshake(std::string_view fields = {}, std::string_view target = "/app");
// The 101 to it.
[[nodiscard]] std::string switching(std::string_view fields = {});

// Frames as the client and as the pod send them.
[[nodiscard]] std::string from_client(std::string payload, Opcode opcode = Opcode::text);
[[nodiscard]] std::string from_pod(std::string payload, Opcode opcode = Opcode::text);
[[nodiscard]] std::string close_from_client(std::uint16_t code);
[[nodiscard]] std::string close_from_pod(std::uint16_t code, std::string_view reason = {});

// The next frame, unmasked.
[[nodiscard]] tests::Frame read_frame(RawSocket& socket);
// The next frame is a Close with this code.
void expect_close(RawSocket& socket, std::uint16_t code);

// Both ends of a tunnel after its handshake.
struct Tunnelled {
  RawClient client;
  RawSocket pod;

  // `text` goes from one end to the other, both ways.
  void echo(std::string_view text);
};

[[nodiscard]] Tunnelled open_tunnel(GatewayFixture& gateway, ScriptedBackend& backend,
                                    std::string_view fields = {}, std::string_view answer_fields = {});

// Open now.
[[nodiscard]] std::uint64_t tunnels(const GatewayFixture& gateway);
void wait_for_no_tunnels(const GatewayFixture& gateway);
[[nodiscard]] std::int64_t tunnel_buffers(const GatewayFixture& gateway);

// Sends until the gateway holds bytes that the other end does not take; returns how much was sent. A sender
// that is merely stuck may have met a gateway that had no turn yet.
std::size_t stop_up(const GatewayFixture& gateway, RawSocket& sender, std::string_view bytes);

// A pod by script: answers probes with what `ready` and `accepts` say, upgrades anything else, then echoes
// frames until a Close.
struct EchoPod {
  EchoPod();
  // Speaks TLS.
  explicit EchoPod(const Issued& certificate);
  ScriptedBackend backend;
  std::atomic<int> ready{200};       // to GET /ready
  std::atomic<int> accepts{200};     // to GET /accept-traffic
  std::atomic<bool> upgrades{true};  // 502 to handshakes otherwise
  std::atomic<int> sockets{0};       // open now, by the pod's own count
  std::atomic<int> most_sockets{0};  // at once
  std::atomic<int> handshakes{0};

 private:
  void serve_one(RawSocket& connection);
};

// A handshake through the gateway that is answered by 101; throws if it is not.
[[nodiscard]] RawClient open_client(const GatewayFixture& gateway);
// The client's message comes back.
void expect_echo(RawSocket& client, const std::string& text);

// `readinessProbe` for an EchoPod, as keys of the upstream.
inline constexpr std::string_view kProbe =
    "    readinessProbe: { httpGet: { path: /ready }, periodSeconds: 1, failureThreshold: 1 }\n";

}  // namespace tidegate::test
