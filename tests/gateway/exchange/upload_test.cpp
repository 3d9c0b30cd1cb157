// Request bodies: streamed, bounded, cut short, and answered before they have ended.
#include <algorithm>
#include <thread>

#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

constexpr std::size_t kMegabyte = 1024 * 1024;
const std::string kChunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string head_of(std::size_t length) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

}  // namespace

TEST_CASE("RFC 9110 9.3: 10 MB pass in both directions through a bounded number of buffers") {
  OnePod t;
  const std::string body(10 * kMegabyte, 'x');
  std::size_t most = 0;
  std::thread pump([&] { t.client.send(head_of(body.size()) + body); });
  auto pod = t.backend.accept();
  (void)pod.read_head();
  for (std::size_t read = 0; read < body.size(); read += kMegabyte) {
    (void)pod.read_exactly(kMegabyte);
    most = std::max(most, t.gateway.buffer_bytes());
  }
  pump.join();
  std::thread answer([&] { pod.send(ok(body)); });
  (void)t.client.read_head();
  for (std::size_t read = 0; read < body.size(); read += kMegabyte) {
    (void)t.client.read_exactly(kMegabyte);
    most = std::max(most, t.gateway.buffer_bytes());
  }
  answer.join();
  CHECK(most <= 8 * 16 * 1024);
}

TEST_CASE("an endpoint that does not read stops the client, not the memory") {
  OnePod t;
  t.client.send(head_of(256 * kMegabyte));
  auto pod = t.backend.accept();
  (void)pod.read_head();
  const std::string body(64 * kMegabyte, 'x');
  CHECK(t.client.send_until_stuck(body, std::chrono::milliseconds(200)) < body.size());
  CHECK(t.gateway.buffer_bytes() <= 8 * 16 * 1024);
}

TEST_CASE("a client that does not read stops the endpoint, not the memory") {
  OnePod t;
  t.client.send(get());
  auto pod = t.backend.answer_one("HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n");
  const std::string body(64 * kMegabyte, 'x');
  CHECK(pod.send_until_stuck(body, std::chrono::milliseconds(200)) < body.size());
  CHECK(t.gateway.buffer_bytes() <= 8 * 16 * 1024);
}

TEST_CASE("an idle connection holds no buffer") {
  OnePod t;
  t.client.send(post("hello"));
  auto pod = t.backend.answer_one(ok("x"));
  CHECK(t.client.read_answer().body == "x");
  wait_until("the buffers to be given back", [&] { return t.gateway.buffer_bytes() == 0; });
}

TEST_CASE("RFC 9112 7.1: chunks are decoded and framed anew") {
  OnePod t;
  t.client.send(kChunkedHead + "5;a=b\r\nhello\r\n001\r\n \r\n5\r\nworld\r\n0\r\n\r\n" + get("/next"));
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.body == "hello world");
  CHECK_FALSE(request.has("Content-Length"));
  pod.send(ok("1"));
  CHECK(t.client.read_answer().body == "1");
  CHECK(pod.read_request().target == "/next");
}

TEST_CASE("RFC 9112 7.1: malformed chunks are 400, and the endpoint never sees an end") {
  for (const std::string bad : {"x\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
                                "5 \r\nhello\r\n0\r\n\r\n", "ffffffffffffffff1\r\n", "-5\r\n",
                                "0x5\r\nhello\r\n", "5;a=\"\r\n\"\r\nhello\r\n", "\r\n5\r\nhello"}) {
    CAPTURE(bad);
    OnePod t;
    t.client.send(kChunkedHead + bad);
    auto pod = t.backend.accept();
    CHECK(t.client.read_answer().status == 400);
    t.client.half_close();
    CHECK(t.client.read_to_end().empty());
    const auto seen = pod.read_to_end();
    CHECK_FALSE(seen.ends_with("0\r\n\r\n"));
  }
}

TEST_CASE("RFC 9110 15.5.14: a chunked body over the limit is 413, and the endpoint never sees its end") {
  OnePod t({.listener = "    requestLimits: { body: 10 }\n"});
  t.client.send(kChunkedHead + "5\r\nhello\r\n");
  auto pod = t.backend.accept();
  (void)pod.read_head();
  t.client.send("6\r\nworld!\r\n0\r\n\r\n");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 413);
  CHECK(answer.field("Connection") == "close");
  CHECK(t.client.expect_end() == StreamEnd::orderly);
  CHECK_FALSE(pod.read_to_end().ends_with("0\r\n\r\n"));
}

TEST_CASE("RFC 9112 7.1.2: trailers over their limit are refused") {
  OnePod t({.listener = "    requestLimits: { trailers: 64 }\n"});
  t.client.send(kChunkedHead + "5\r\nhello\r\n0\r\nX-Long: " + std::string(100, 'a') + "\r\n\r\n");
  auto pod = t.backend.accept();
  CHECK(t.client.read_answer().status == 400);
  CHECK(pod.read_to_end().find("0\r\n") == std::string::npos);
}

TEST_CASE("RFC 9112 8: an upload that its client cuts is never completed upstream") {
  for (const auto& request : {head_of(10) + "hello", kChunkedHead + "5\r\nhello\r\n"}) {
    for (const bool by_reset : {false, true}) {
      CAPTURE(request, by_reset);
      OnePod t;
      t.client.send(request);
      auto pod = t.backend.accept();
      (void)pod.read_until("hello");
      by_reset ? t.client.reset() : t.client.half_close();
      CHECK_FALSE(pod.read_to_end().ends_with("0\r\n\r\n"));
      wait_until("499", [&] { return t.gateway.requests("pods", gateway::StatusClass::client_gone) == 1; });
    }
  }
}

TEST_CASE("RFC 9112 9.6: a final answer during the upload is relayed at once, and both connections end") {
  OnePod t;
  t.client.send(head_of(10 * kMegabyte) + std::string(1000, 'x'));
  auto pod = t.backend.accept();
  (void)pod.read_head();
  pod.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\n\r\ndenied");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 401);
  CHECK(answer.body == "denied");
  CHECK(answer.field("Connection") == "close");
  (void)pod.read_to_end();
  // The rest of the body is swallowed for a while: it is no request, and its sender is not reset.
  CHECK(t.client.try_send(std::string(kMegabyte, 'x') + get("/smuggled")));
  CHECK(t.client.expect_end() == StreamEnd::orderly);
  CHECK_FALSE(t.backend.has_connection());
}

TEST_CASE("RFC 9112 9.5: an endpoint that answers and closes during the upload is heard") {
  OnePod t;
  t.client.send(head_of(10 * kMegabyte) + std::string(1000, 'x'));
  auto pod = t.backend.accept();
  (void)pod.read_head();
  (void)pod.read_exactly(1000);
  pod.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
  pod.close();
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 413);
  CHECK(answer.body == "big");
}

TEST_CASE("an upload goes on beside an early 200 until both have ended") {
  OnePod t;
  t.client.send(head_of(10) + "hello");
  auto pod = t.backend.accept();
  (void)pod.read_head();
  pod.expect("hello");
  pod.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  (void)t.client.read_until("hello\r\n");
  t.client.send("world");
  pod.expect("world");
  pod.send("5\r\nworld\r\n0\r\n\r\n");
  t.client.expect("5\r\nworld\r\n0\r\n\r\n");
  t.client.send(get("/next"));
  CHECK(pod.read_request().target == "/next");
}
