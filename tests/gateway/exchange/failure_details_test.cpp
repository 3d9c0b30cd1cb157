// What the logs say of a failure beyond its reason, so that whoever reads them need not guess.
#include <fstream>
#include <sstream>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/error_log_file.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tidegate;
using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

const std::string kHalfHead = "GET / HTTP/1.1\r\nHost: te";

// Both logs, in files that go with the object.
class Logs {
 public:
  [[nodiscard]] std::string yaml() const {
    return "log: { access: { path: " + folder_.file("access") +
           ", format: json }, error: { path: " + folder_.file("error") + " } }\n";
  }
  // `log` is `access` or `error`.
  void wait_for(const std::string& log, const std::string& words) const {
    wait_until(log + " log to say: " + words, [&] {
      std::ostringstream text;
      text << std::ifstream(folder_.file(log)).rdbuf();
      return text.str().find(words) != std::string::npos;
    });
  }

 private:
  TemporaryFolder folder_;
};

std::size_t count_of(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a 408 for a slow body says how fast it came and what was asked") {
  const Logs logs;
  OnePod t({.listener = "    minBodyRate: { bytesPerSecond: 100k, window: 300ms }\n", .rest = logs.yaml()});
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  auto pod = t.backend.accept();
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 408);
  const std::string said = "the body came at 0 bytes/s over 300ms, `minBodyRate` asks for 102400";
  CHECK(answer.body.find(said) != std::string::npos);
  logs.wait_for("error", "408 request_timeout (The request did not arrive in time: " + said + ")");
  logs.wait_for("access", said);
}

TEST_CASE("a 408 for a body that stopped names the deadline") {
  const Logs logs;
  OnePod t({.listener = "    timeouts: { requestBody: 200ms }\n", .rest = logs.yaml()});
  t.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  auto pod = t.backend.accept();
  CHECK(t.client.read_answer().status == 408);
  logs.wait_for("error", "nothing of the body came for 200ms (`timeouts.requestBody`)");
}

TEST_CASE("a 408 for a head that stopped names the deadline") {
  const Logs logs;
  OnePod t({.listener = "    timeouts: { requestHeader: 200ms }\n", .rest = logs.yaml()});
  t.client.send(kHalfHead);
  CHECK(t.client.read_answer().status == 408);
  logs.wait_for("error", "no whole head within `timeouts.requestHeader`) \"-\" client=127.0.0.1:");
}

TEST_CASE("who gives way in the middle of a head has a line in both logs") {
  const Logs logs;
  OnePod t({.rest = "connectionsPerWorker: 1\nworkers: 1\n" + logs.yaml()});
  t.backend.serve(answer_all("x"));
  t.client.send(kHalfHead);
  wait_until("room for another", [&] {
    try {
      return RawClient(t.gateway.port()).get().status == 200;
    } catch (const std::exception&) {
      return false;
    }
  });
  CHECK(t.client.read_answer().status == 408);
  logs.wait_for("error", "408 request_timeout (The request did not arrive in time: the head was not whole");
  logs.wait_for("access", "\"status\":408");
}

TEST_CASE("a flood that one limit refuses does not silence another limit") {
  const ErrorLogFile log;
  ScriptedBackend pod;
  pod.serve(answer_all("x"));
  GatewayFixture gateway(
      "listeners: ['127.0.0.1:0']\nroutes:\n"
      "  - { path: /a, upstream: pods, limits: [one] }\n"
      "  - { path: /b, upstream: pods, limits: [other] }\n"
      "upstreams: { pods: { endpoints: ['" +
      pod.address() + "'] } }\nlimits: { one: { requests: 1/h }, other: { requests: 1/h } }\n" +
      "log: { access: off, " + log.yaml().substr(std::string("log: {").size()));
  RawClient client(gateway.port());
  CHECK(client.get("/a").status == 200);
  CHECK(client.get("/b").status == 200);
  for (int i = 0; i < 20; ++i) CHECK(client.get("/a").status == 429);
  CHECK(client.get("/b").status == 429);
  log.wait_for("route=/b limit=other");
  CHECK(count_of(log.text(), "429 too_many_requests") == 6);
}

TEST_CASE("memory of buffers and its ceiling are in the metrics") {
  OnePod t({.rest = "bufferMemory: 1m\nworkers: 1\n"});
  t.client.send(get());
  auto pod = t.backend.accept();
  const auto says = [&](const std::string& line) {
    return t.gateway.admin("/metrics").find("\n" + line) != std::string::npos;
  };
  CHECK(says("tidegate_buffer_limit_bytes{worker=\"0\"} 1048576\n"));
  wait_until("the buffers of a request to be counted", [&] {
    return says("tidegate_buffer_bytes{worker=\"0\"} ") && !says("tidegate_buffer_bytes{worker=\"0\"} 0\n");
  });
  (void)pod.read_request();
  pod.send(ok("x"));
  CHECK(t.client.read_answer().status == 200);
  wait_until("them to be given back", [&] { return says("tidegate_buffer_bytes{worker=\"0\"} 0\n"); });
}
