// Clients that vanish leave nothing behind.
#include <filesystem>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;

namespace {

std::size_t descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                                std::filesystem::directory_iterator()));
}

void check_nothing_left(const GatewayFixture& gateway, std::size_t before) {
  wait_for_no_tunnels(gateway);
  wait_until("no descriptor to be left", [&] { return descriptors() <= before; });
  CHECK(tunnel_buffers(gateway) == 0);
  CHECK(gateway.workers(
            [](const auto& c) { return static_cast<std::uint64_t>(c.connections_idle.value()); }) == 0);
  CHECK(gateway.workers(
            [](const auto& c) { return static_cast<std::uint64_t>(c.connections_active.value()); }) == 0);
  CHECK(gateway.buffer_bytes() == 0);
  for (const auto& endpoint : gateway.endpoints()) CHECK(endpoint.active == 0);
}

}  // namespace

TEST_CASE("500 clients that vanish by reset or end leave no descriptor, tunnel or byte behind") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.rest = "workers: 2\n"}));
  { auto first = open_tunnel(gateway, backend); }  // what is made once is made
  wait_for_no_tunnels(gateway);
  wait_until("the first to be gone", [&] {
    return gateway.workers(
               [](const auto& c) { return static_cast<std::uint64_t>(c.connections_idle.value()); }) == 0;
  });
  const auto before = descriptors();
  std::vector<Tunnelled> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(open_tunnel(gateway, backend));
    if (i % 3 == 0) all.back().echo("hello");
    if (i % 7 == 0) all.back().pod.send(from_pod(std::string(200'000, 'x')));
  }
  CHECK(tunnels(gateway) == 500);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 2 == 0) {
      all[i].client.reset();
    } else {
      all[i].client.close();
    }
  }
  // Pods close as they see the end of their clients.
  for (auto& both : all) {
    (void)both.pod.read_to_end();
    both.pod.close();
  }
  all.clear();
  check_nothing_left(gateway, before);
}

TEST_CASE("clients that vanish within a handshake leave nothing behind") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.rest = "workers: 2\n"}));
  { auto first = open_tunnel(gateway, backend); }
  wait_for_no_tunnels(gateway);
  const auto before = descriptors();
  for (int i = 0; i < 100; ++i) {
    RawClient client(gateway.port());
    client.send(handshake().substr(0, i % 4 == 0 ? 40 : std::string::npos));
    if (i % 4 == 0) {
      client.close();
      continue;
    }
    auto pod = backend.accept();
    (void)pod.read_head();
    if (i % 4 == 1) client.reset();
    if (i % 4 == 2) client.close();
    (void)pod.try_send(switching());
    client.close();
    (void)pod.read_to_end();
  }
  check_nothing_left(gateway, before);
}
