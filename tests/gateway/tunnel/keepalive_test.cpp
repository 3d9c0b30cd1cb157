// Peers that vanish without FIN or RST are the kernel's to notice: here is that it is told what the
// configuration says. That it does notice them is shown by `tidegate-bench vanish --half-open`.
#include <cstdint>
#include <filesystem>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "wire/net/socket_address.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::uint16_t peer_port(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::getpeername(socket, generic, &size) != 0) return 0;
  const auto peer = net::SocketAddress::from_kernel(generic, size);
  return peer ? peer->port() : 0;
}

// The gateway is in this process: its sockets are among the open descriptors, the only one from or to this
// port.
enum class Port { own, of_peer };
int find_connection(std::uint16_t port, Port which) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int socket = std::stoi(entry.path().filename().string());
    const auto peer = peer_port(socket);
    if (peer == 0) continue;
    if ((which == Port::own ? net::SocketAddress::local_of(socket).port() : peer) == port) return socket;
  }
  throw Unexpected("no such connection");
}

int option_of(int socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, level, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

TEST_CASE("both sockets of a tunnel have the keepalive of the configuration") {
  ScriptedBackend backend;
  GatewayFixture gateway(
      in_front_of(backend, {.listener = "    tcpKeepalive: { idle: 7s, interval: 3s, probes: 4 }\n"
                                        "    timeouts: { writeStall: 5s }\n",
                            .upstream = "    tcpKeepalive: { idle: 8s, interval: 2s, probes: 5 }\n"
                                        "    timeouts: { writeStall: 30s, connect: 40s }\n"}));
  const auto both = open_tunnel(gateway, backend);

  const int client = find_connection(gateway.port(), Port::own);
  CHECK(option_of(client, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(client, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option_of(client, IPPROTO_TCP, TCP_KEEPIDLE) == 7);
  CHECK(option_of(client, IPPROTO_TCP, TCP_KEEPINTVL) == 3);
  CHECK(option_of(client, IPPROTO_TCP, TCP_KEEPCNT) == 4);
  // The tunnel bears a client that takes nothing for the `writeStall` of its upstream.
  CHECK(option_of(client, IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);

  const int pod = find_connection(backend.port(), Port::of_peer);
  CHECK(option_of(pod, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(pod, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option_of(pod, IPPROTO_TCP, TCP_KEEPIDLE) == 8);
  CHECK(option_of(pod, IPPROTO_TCP, TCP_KEEPINTVL) == 2);
  CHECK(option_of(pod, IPPROTO_TCP, TCP_KEEPCNT) == 5);
  CHECK(option_of(pod, IPPROTO_TCP, TCP_USER_TIMEOUT) == 40'000);
}

TEST_CASE("a client that takes nothing is given up though all that waits is in the kernel") {
  // No deadline of the gateway runs then: it has no byte left to write.
  ScriptedBackend backend;
  GatewayFixture gateway(
      in_front_of(backend, {.listener = "    tcpKeepalive: { idle: 1s, interval: 1s, probes: 1 }\n"
                                        "    timeouts: { writeStall: 1s }\n",
                            .upstream = "    timeouts: { writeStall: 1s }\n"}));
  RawClient client(gateway.port(), "127.0.0.1", 4096);
  client.send(handshake());
  auto pod = backend.accept();
  (void)pod.read_head();
  pod.send(switching());
  (void)client.read_head();
  pod.send(from_pod(std::string(30'000, 'x')));
  wait_until("the message to be passed on", [&] {
    return gateway.upstream(
               "pods", [](const auto& u) { return std::uint64_t{u.tunnel_bytes_from_pod.value()}; }) > 30'000;
  });
  CHECK(tunnel_buffers(gateway) == 0);
  CHECK(tunnels(gateway) == 1);
  wait_for_no_tunnels(gateway);
  CHECK(tunnel_buffers(gateway) == 0);
  (void)pod.read_to_end();
}
