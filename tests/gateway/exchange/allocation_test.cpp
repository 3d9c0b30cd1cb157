// What a worker takes from the heap for a request on connections that are open already: nothing.
#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/allocations.hpp"
#include "wire/net/socket_address.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// Allocations of the worker over `count` requests, after as many to warm up: the least of some rounds, since
// once a second the access log hands its lines on and begins with new memory.
std::size_t cost_of(OnePod& t, const std::string& request, const std::string& answer, int count) {
  t.gateway.run_on_workers(count_on_this_thread);
  t.client.send(request);
  auto pod = t.backend.accept();
  const auto serve_one = [&] {
    (void)pod.read_request();
    pod.send(answer);
    if (t.client.read_answer().status != 200) throw Unexpected("not served");
  };
  serve_one();
  const auto serve = [&] {
    for (int i = 0; i < count; ++i) {
      t.client.send(request);
      serve_one();
    }
  };
  serve();
  t.gateway.settle();
  auto least = std::numeric_limits<std::size_t>::max();
  for (int round = 0; round < 5 && least > 0; ++round) {
    start_counting();
    serve();
    least = std::min(least, stop_counting());
  }
  return least;
}

}  // namespace

TEST_CASE("the count of allocations can fail") {
  OnePod t;
  t.gateway.run_on_workers(count_on_this_thread);
  start_counting();
  t.gateway.run_on_workers([] { std::string(1000, 'x').swap(*std::make_unique<std::string>()); });
  CHECK(stop_counting() > 0);
}

TEST_CASE("a keep-alive request costs no allocation") {
  const auto request = get("/a/path?with=query",
                           "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n"
                           "Accept-Encoding: gzip\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n"
                           "X-Forwarded-For: 192.0.2.1\r\nConnection: keep-alive\r\n");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  SECTION("with the access log off") {
    OnePod t;
    CHECK(cost_of(t, request, ok("hello"), 200) == 0);
  }
  SECTION("with an access log") {
    OnePod t({.rest = "log: { access: { path: /dev/null, format: json }, error: { path: /dev/null } }\n"});
    CHECK(cost_of(t, request, ok("hello"), 200) == 0);
  }
  SECTION("chunked") {
    OnePod t;
    CHECK(cost_of(t, request, chunked, 200) == 0);
  }
  SECTION("a body of 100 kB") {
    OnePod t;
    CHECK(cost_of(t, request, ok(std::string(100'000, 'x')), 50) == 0);
  }
  SECTION("with header rules") {
    OnePod t(
        {.route =
             "    requestHeaders: { set: { X-Id: $request_id, X-Client: '$remote_addr:$remote_port' } }\n"
             "    responseHeaders: { set: { X-Id: $request_id }, remove: [Server] }\n"});
    CHECK(cost_of(t, request, ok("hello"), 200) == 0);
  }
}

// What was thrown before the first request was lost with the coroutine, and its connection was counted and
// held for ever.
TEST_CASE("a connection that runs out of memory before its first request leaves nothing behind") {
  ScriptedBackend backend;
  const GatewayFixture gateway(
      in_front_of(backend, {.listener = "    proxyProtocol: { from: [127.0.0.0/8] }\n"}));
  const auto introduced = [&] {
    auto client = RawClient::in_clear_text(gateway.port());
    client.send("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n" + get());
    return client;
  };
  gateway.run_on_workers(count_on_this_thread);
  fail_allocation_of(sizeof(net::SocketAddress));  // where the client connected to
  auto failed = introduced();
  (void)failed.expect_end();
  CHECK(allocation_failed());
  wait_until("its connection to be gone", [&] { return gateway_connections(gateway) == 0; });
  auto next = introduced();
  auto pod = backend.answer_one(ok("well"));
  CHECK(next.read_answer().body == "well");
}
