#include "tests/gateway/tunnel/web_socket.hpp"

#include <algorithm>

#include "tests/support/tls_client.hpp"
#include "wire/http/upgrade.hpp"

namespace tidegate::test {

using websocket::Sender;

std::string handshake(std::string_view fields, std::string_view target) {
  std::string text = "GET ";
  text.append(target).append(" HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
  text.append("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ").append(kKey).append("\r\n");
  return text.append(fields).append("\r\n");
}

std::string switching(std::string_view fields) {
  std::string text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  text.append("Sec-WebSocket-Accept: ").append(kAccept).append("\r\n");
  return text.append(fields).append("\r\n");
}

std::string from_client(std::string payload, Opcode opcode) {
  return tests::encode({opcode, true, std::move(payload), 0}, Sender::client);
}
std::string from_pod(std::string payload, Opcode opcode) {
  return tests::encode({opcode, true, std::move(payload), 0}, Sender::server);
}
std::string close_from_client(std::uint16_t code) {
  return tests::encode(tests::close_with(code), Sender::client);
}
std::string close_from_pod(std::uint16_t code, std::string_view reason) {
  return tests::encode(tests::close_with(code, reason), Sender::server);
}

tests::Frame read_frame(RawSocket& socket) {
  const auto byte = [](char c) { return static_cast<unsigned>(static_cast<unsigned char>(c)); };
  const auto start = socket.read_exactly(2);
  tests::Frame frame;
  frame.fin = (byte(start[0]) & 0x80U) != 0;
  frame.opcode = static_cast<Opcode>(byte(start[0]) & 0x0fU);
  std::uint64_t size = byte(start[1]) & 0x7fU;
  if (size >= 126) {
    const auto length = socket.read_exactly(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : length) size = size << 8U | byte(c);
  }
  const bool masked = (byte(start[1]) & 0x80U) != 0;
  const auto mask = masked ? socket.read_exactly(4) : std::string(4, '\0');
  frame.payload = socket.read_exactly(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < frame.payload.size(); ++i) {
    frame.payload[i] = static_cast<char>(byte(frame.payload[i]) ^ byte(mask[i % 4]));
  }
  return frame;
}

void expect_close(RawSocket& socket, std::uint16_t code) {
  const auto frame = read_frame(socket);
  REQUIRE(frame.opcode == Opcode::close);
  REQUIRE(frame.payload.size() >= 2);
  CHECK((static_cast<unsigned char>(frame.payload[0]) << 8 | static_cast<unsigned char>(frame.payload[1])) ==
        code);
}

void Tunnelled::echo(std::string_view text) {
  const auto sent = from_client(std::string(text));
  client.send(sent);
  pod.expect(sent);
  const auto answer = from_pod(std::string(text));
  pod.send(answer);
  client.expect(answer);
}

Tunnelled open_tunnel(GatewayFixture& gateway, ScriptedBackend& backend, std::string_view fields,
                      std::string_view answer_fields) {
  Tunnelled both{RawClient(gateway.port()), {}};
  both.client.send(handshake(fields));
  both.pod = backend.accept();
  (void)both.pod.read_head();
  both.pod.send(switching(answer_fields));
  const auto head = both.client.read_head();
  if (!head.starts_with("HTTP/1.1 101 ")) throw Unexpected("no 101 but " + head);
  return both;
}

std::uint64_t tunnels(const GatewayFixture& gateway) {
  return gateway.upstream("pods",
                          [](const auto& c) { return static_cast<std::uint64_t>(c.tunnels.value()); });
}

void wait_for_no_tunnels(const GatewayFixture& gateway) {
  wait_until("all tunnels to end", [&] { return tunnels(gateway) == 0; });
}

std::int64_t tunnel_buffers(const GatewayFixture& gateway) {
  return static_cast<std::int64_t>(gateway.workers(
      [](const auto& c) { return static_cast<std::uint64_t>(c.tunnel_buffer_bytes.value()); }));
}

std::size_t stop_up(const GatewayFixture& gateway, RawSocket& sender, std::string_view bytes) {
  std::size_t sent = 0;
  wait_until("the gateway to hold bytes", [&] {
    sent += sender.send_until_stuck(bytes.substr(sent), std::chrono::milliseconds(100));
    return tunnel_buffers(gateway) > 0;
  });
  return sent;
}

namespace {

// The 101 to a handshake with any key.
std::string switching_for(const std::string& head) {
  auto answer = switching();
  constexpr std::string_view field = "Sec-WebSocket-Key: ";
  const auto accept =
      http::accept_of(std::string_view(head).substr(head.find(field) + field.size(), kKey.size()));
  return answer.replace(answer.find(kAccept), kAccept.size(), accept.data(), accept.size());
}

}  // namespace

EchoPod::EchoPod() {
  backend.serve([this](RawSocket& connection) { serve_one(connection); });
}

EchoPod::EchoPod(const Issued& certificate) {
  backend.serve([this, certificate](RawSocket& connection) {
    connection.secure(server_session(certificate));
    serve_one(connection);
  });
}

void EchoPod::serve_one(RawSocket& connection) {
  if (connection.at_end()) return;
  const auto head = connection.read_head();
  const auto answer = [&connection](int status) {
    connection.send("HTTP/1.1 " + std::to_string(status) +
                    " x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  };
  if (head.starts_with("GET /ready ")) return answer(ready);
  if (head.starts_with("GET /accept-traffic ")) return answer(accepts);
  if (!upgrades) return answer(502);
  ++handshakes;
  const int now = ++sockets;
  int most = most_sockets;
  while (now > most && !most_sockets.compare_exchange_weak(most, now)) {
  }
  connection.send(switching_for(head));
  while (!connection.at_end()) {
    auto frame = read_frame(connection);
    const bool closes = frame.opcode == Opcode::close;
    if (closes) --sockets;  // before the peer can see the answer, so that its next one is counted after it
    if (frame.opcode == Opcode::ping) frame.opcode = Opcode::pong;
    connection.send(tests::encode(frame, Sender::server));
    if (closes) return;
  }
  --sockets;
}

RawClient open_client(const GatewayFixture& gateway) {
  RawClient client(gateway.port());
  client.send(handshake());
  const auto head = client.read_head();
  if (!head.starts_with("HTTP/1.1 101 ")) throw Unexpected("no 101 but " + head);
  return client;
}

void expect_echo(RawSocket& client, const std::string& text) {
  client.send(from_client(text));
  CHECK(read_frame(client).payload == text);
}

}  // namespace tidegate::test
