// No room for all: who goes first, and who goes on.
#include <chrono>

#include <sys/socket.h>

#include "tests/gateway/exchange/setup.hpp"
#include "wire/net/buffer.hpp"
#include "wire/net/socket_address.hpp"

using namespace tidegate;
using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

std::uint64_t shed(const GatewayFixture& gateway) {
  return gateway.workers([](const auto& counters) { return counters.connections_shed.value(); });
}

std::uint64_t turned_away(const GatewayFixture& gateway) {
  return gateway.workers([](const auto& counters) {
    return counters.accept_errors_by_kind[static_cast<std::size_t>(gateway::AcceptError::over_limit)].value();
  });
}

// The address that the other end of a connection has.
std::string peer_of(const RawSocket& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getpeername(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size);
  return net::SocketAddress::from_kernel(reinterpret_cast<sockaddr*>(&address), size)->host();
}

}  // namespace

TEST_CASE("a newcomer takes the room of the connection that was idle the longest") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(in_front_of(backend, {.rest = "connectionsPerWorker: 3\n"}));
  RawClient first(gateway.port());
  RawClient second(gateway.port());
  RawClient third(gateway.port());
  for (auto* client : {&first, &second, &third}) CHECK(client->get().status == 200);
  CHECK(first.get().status == 200);  // now the second has been idle for longer
  RawClient newcomer(gateway.port());
  CHECK(newcomer.get().status == 200);
  CHECK(second.expect_end() == StreamEnd::orderly);
  CHECK(first.get().status == 200);
  CHECK(third.get().status == 200);
  CHECK(shed(gateway) == 1);
  CHECK(turned_away(gateway) == 0);
  CHECK(gateway.admin("/metrics").find("\ntidegate_connections_shed_total 1\n") != std::string::npos);
}

TEST_CASE("requests in progress are never closed for a newcomer: then it is turned away") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.rest = "connectionsPerWorker: 2\n"}));
  RawClient first(gateway.port());
  RawClient second(gateway.port());
  first.send(get("/1"));
  auto one = backend.accept();
  (void)one.read_request();
  second.send(get("/2"));
  auto two = backend.accept();
  (void)two.read_request();
  auto newcomer = RawClient::in_clear_text(gateway.port());
  (void)newcomer.expect_end();
  CHECK(turned_away(gateway) == 1);
  CHECK(shed(gateway) == 0);
  one.send(ok("1"));
  two.send(ok("2"));
  CHECK(first.read_answer().body == "1");
  CHECK(second.read_answer().body == "2");
}

TEST_CASE("connections that never send a request are no better than idle ones, after a while") {
  if (tls_everywhere()) return;  // a newcomer that is turned away has no handshake
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(in_front_of(backend, {.rest = "connectionsPerWorker: 4\n"}));
  std::vector<RawClient> silent;
  for (int i = 0; i < 4; ++i) silent.emplace_back(gateway.port());
  wait_until("all to be there", [&] { return gateway_connections(gateway) == 4; });
  wait_until("a newcomer to be served", [&] {
    RawClient newcomer(gateway.port());
    return newcomer.try_send(get("/", "Connection: close\r\n")) &&
           newcomer.read_to_end().starts_with("HTTP/1.1 200 ");
  });
  CHECK(shed(gateway) >= 1);
}

TEST_CASE("short of memory for buffers: new requests get 503, those in progress go on") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.rest = "bufferMemory: 64k\n"}));
  std::vector<RawClient> clients;
  std::vector<RawSocket> pods;
  // Each holds the head of its request, and a buffer for the answer's.
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(gateway.port());
    clients.back().send(get("/" + std::to_string(i)));
    pods.push_back(backend.accept());
    (void)pods.back().read_request();
  }
  REQUIRE(gateway.buffer_bytes() >= 64 * 1024);
  RawClient refused(gateway.port());
  const auto answer = refused.get();
  CHECK(answer.status == 503);
  CHECK(answer.field("Retry-After") == "1");
  CHECK(answer.field("Connection") == "close");
  CHECK(answer.field("Proxy-Status").find("error=proxy_internal_response") != std::string::npos);
  CHECK(gateway.failures(gateway::FailureReason::buffers_full) == 1);
  for (std::size_t i = 0; i < pods.size(); ++i) {
    pods[i].send(ok(std::to_string(i)));
    CHECK(clients[i].read_answer().body == std::to_string(i));
  }
  wait_until("memory to be there again", [&] { return gateway.buffer_bytes() == 0; });
  clients.front().send(get("/again"));
  wait_until("it to be passed on", [&] { return pods[0].has_input() || pods[1].has_input(); });
  auto& pod = pods[0].has_input() ? pods[0] : pods[1];
  CHECK(pod.read_request().target == "/again");
  pod.send(ok("again"));
  CHECK(clients.front().read_answer().body == "again");
}

TEST_CASE("a body that drips below the least rate is 408, however steadily it drips") {
  OnePod t({.listener = "    minBodyRate: { bytesPerSecond: 100k, window: 300ms }\n"});
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  auto pod = t.backend.accept();
  std::size_t drips = 0;
  wait_until("an answer", [&] {
    if (t.client.has_input(10ms)) return true;
    ++drips;
    return !t.client.try_send("x");
  });
  CHECK(drips > 1);
  CHECK(t.client.read_answer().status == 408);
  wait_until("it to be counted",
             [&] { return t.gateway.failures(gateway::FailureReason::request_timeout) == 1; });
}

// Extensions and digits of size lines counted, so that a client held a pod with a body of next to nothing.
TEST_CASE("only what is body counts for the least rate, not the lines of chunks") {
  OnePod t({.listener = "    minBodyRate: { bytesPerSecond: 1k, window: 300ms }\n"});
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto pod = t.backend.accept();
  std::size_t chunks = 0;
  const auto chunk = "1;" + std::string(900, 'e') + "\r\nx\r\n";  // 50 a second at most
  wait_until("an answer", [&] {
    if (t.client.has_input(20ms)) return true;
    ++chunks;
    return !t.client.try_send(chunk);
  });
  CHECK(chunks > 1);
  CHECK(chunks < 100);
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 408);
}

TEST_CASE("a body that comes fast enough is taken, however long it takes") {
  OnePod t({.listener = "    minBodyRate: { bytesPerSecond: 10, window: 1s }\n"});
  t.backend.serve(answer_all("x"));
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto enough = std::chrono::steady_clock::now() + 1200ms;
  while (std::chrono::steady_clock::now() < enough) {
    REQUIRE_FALSE(t.client.has_input(20ms));
    t.client.send("10\r\n0123456789abcdef\r\n");
  }
  t.client.send("0\r\n\r\n");
  CHECK(t.client.read_answer().status == 200);
}

TEST_CASE("a client that reads slowly costs the gateway a few blocks, not the answer") {
  OnePod t({.listener = "    timeouts: { writeStall: 60s }\n"});
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n");
  (void)pod.send_until_stuck(std::string(64 * 1024 * 1024, 'x'), 300ms);
  CHECK(t.gateway.buffer_bytes() <= 4 * net::BufferPool::kBlock);
}

TEST_CASE("connections come from the source addresses that are configured") {
  ScriptedBackend backend;
  GatewayFixture gateway(
      in_front_of(backend, {.upstream = "    sourceAddresses: [127.0.0.7]\n    pool: { size: 0 }\n"}));
  for (int i = 0; i < 3; ++i) {
    RawClient client(gateway.port());
    client.send(get());
    auto pod = backend.accept();
    CHECK(peer_of(pod) == "127.0.0.7");
    (void)pod.read_request();
    pod.send(ok("x"));
    CHECK(client.read_answer().status == 200);
  }
}

TEST_CASE("a source address that this machine lacks is said at start") {
  ScriptedBackend backend;
  const auto yaml = in_front_of(backend, {.upstream = "    sourceAddresses: [192.0.2.77]\n"});
  std::string why;
  try {
    const GatewayFixture gateway(yaml);
  } catch (const std::exception& error) {
    why = error.what();
  }
  CHECK(why.find("sourceAddresses[0]: `192.0.2.77` is no address of this machine") != std::string::npos);
}
