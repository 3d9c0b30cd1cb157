#include "health/probe.hpp"

#include <optional>

#include <sys/resource.h>
#include <unistd.h>

#include "tests/health/scripted_pod.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::health;
using namespace std::chrono_literals;

namespace {

using Behaviour = ScriptedPod::Behaviour;

struct Scene {
  boost::asio::io_context context;
  ScriptedPod pod{context};

  [[nodiscard]] ProbeRequest request() const { return {pod.address(), conf::HttpGetAction{}, 5s}; }
  ProbeResult run(ProbeRequest request) {
    std::optional<ProbeResult> result;
    const Probe probe(context, std::move(request), [&](ProbeResult found) { result = std::move(found); });
    REQUIRE_FALSE(result);
    REQUIRE(run_until(context, [&] { return result.has_value(); }));
    return *result;
  }
  ProbeResult run() { return run(request()); }
  // Runs until nothing of a probe is left at the pod.
  [[nodiscard]] bool settle() {
    return run_until(context, [&] { return pod.open() == 0; });
  }
};

}  // namespace

TEST_CASE("a probe judges the status") {
  struct Row {
    int status;
    ProbeOutcome expected;
  };
  const Row rows[] = {
      {200, ProbeOutcome::pass},      {204, ProbeOutcome::pass},      {302, ProbeOutcome::pass},
      {399, ProbeOutcome::pass},      {400, ProbeOutcome::not_ready}, {404, ProbeOutcome::not_ready},
      {500, ProbeOutcome::not_ready}, {503, ProbeOutcome::not_ready}, {101, ProbeOutcome::not_ready},
  };
  Scene scene;
  for (const auto& row : rows) {
    CAPTURE(row.status);
    scene.pod.answer(row.status);
    const auto result = scene.run();
    CHECK(result.outcome == row.expected);
    CHECK(result.status == row.status);
    CHECK(result.evidence.starts_with("HTTP " + std::to_string(row.status) + " in "));
    CHECK(result.evidence.ends_with(" ms"));
    CHECK(result.elapsed > 0s);
  }
}

TEST_CASE("a redirect passes and is not followed") {
  Scene scene;
  scene.pod.script(Behaviour::answer, "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n");
  CHECK(scene.run().outcome == ProbeOutcome::pass);
  REQUIRE(scene.settle());
  CHECK(scene.pod.requests().size() == 1);
}

TEST_CASE("interim answers are passed over") {
  Scene scene;
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  scene.pod.script(Behaviour::answer, hints + hints + ScriptedPod::head(503));
  CHECK(scene.run().status == 503);
}

TEST_CASE("an answer of HTTP/1.0 that ends with the connection passes") {
  Scene scene;
  scene.pod.script(Behaviour::answer, "HTTP/1.0 200 OK\r\n\r\nready");
  CHECK(scene.run().outcome == ProbeOutcome::pass);
}

TEST_CASE("a probe asks as configured") {
  Scene scene;
  conf::HttpGetAction action;
  SECTION("by default") {
    scene.run();
    const auto& head = scene.pod.requests().at(0);
    CHECK(head.starts_with("GET / HTTP/1.1\r\n"));
    CHECK(head.find("\r\nHost: " + scene.pod.address().text() + "\r\n") != std::string::npos);
    CHECK(head.find("\r\nUser-Agent: kube-probe/") != std::string::npos);
    CHECK(head.find("\r\nConnection: close\r\n") != std::string::npos);
  }
  SECTION("path, host and headers") {
    action.path = "ready?full=1";
    action.host = "socket.example.com";
    action.http_headers = {
        {"X-Kube-Healthcheck", "Yes"}, {"X-Twice", "1"}, {"X-Twice", "2"}, {"User-Agent", "own"}};
    scene.run({scene.pod.address(), action, 5s});
    const auto& head = scene.pod.requests().at(0);
    CHECK(head.starts_with("GET /ready?full=1 HTTP/1.1\r\n"));
    CHECK(head.find("\r\nHost: socket.example.com\r\n") != std::string::npos);
    CHECK(head.find("\r\nX-Kube-Healthcheck: Yes\r\n") != std::string::npos);
    CHECK(head.find("\r\nX-Twice: 1\r\nX-Twice: 2\r\n") != std::string::npos);
    CHECK(head.find("\r\nUser-Agent: own\r\n") != std::string::npos);
    CHECK(head.find("kube-probe") == std::string::npos);
  }
  SECTION("a Host among the headers wins, once") {
    action.http_headers = {{"host", "other.example.com"}};
    scene.run({scene.pod.address(), action, 5s});
    const auto& head = scene.pod.requests().at(0);
    CHECK(head.find("\r\nHost: other.example.com\r\n") != std::string::npos);
    CHECK(head.find(scene.pod.address().text()) == std::string::npos);
  }
  SECTION("another port") {
    auto address = scene.pod.address();
    action.port = std::exchange(address.port, std::uint16_t{1});
    CHECK(scene.run({address, action, 5s}).outcome == ProbeOutcome::pass);
    CHECK(scene.pod.requests().at(0).find("\r\nHost: " + scene.pod.address().text()) != std::string::npos);
  }
}

TEST_CASE("a TCP probe only connects") {
  Scene scene;
  scene.pod.script(Behaviour::stall);
  const auto result = scene.run({scene.pod.address(), conf::TcpSocketAction{}, 5s});
  CHECK(result.outcome == ProbeOutcome::pass);
  CHECK(result.evidence.starts_with("TCP connect in "));
  REQUIRE(run_until(scene.context, [&] { return scene.pod.accepted() == 1; }));
  REQUIRE(scene.settle());
  CHECK(scene.pod.requests().empty());
}

TEST_CASE("a name is resolved") {
  Scene scene;
  auto address = scene.pod.address();
  SECTION("one that is known") {
    address.host = "localhost";
    CHECK(scene.run({address, conf::HttpGetAction{}, 5s}).outcome == ProbeOutcome::pass);
  }
  SECTION("one that is not") {
    address.host = "name.invalid";
    const auto result = scene.run({address, conf::HttpGetAction{}, 5s});
    const bool counted =
        result.outcome == ProbeOutcome::unreachable || result.outcome == ProbeOutcome::timeout;
    CHECK(counted);
  }
}

TEST_CASE("a Unix socket is probed like an address") {
  Scene scene;
  const auto path = "/tmp/tidegate-probe-test-" + std::to_string(getpid());
  {
    ScriptedPod pod(scene.context, path);
    CHECK(scene.run({pod.address(), conf::HttpGetAction{}, 5s}).outcome == ProbeOutcome::pass);
    CHECK(pod.requests().at(0).find("\r\nHost: localhost\r\n") != std::string::npos);
  }
  CHECK(scene.run({{{}, 0, path}, conf::HttpGetAction{}, 5s}).outcome == ProbeOutcome::refused);
  const auto longest = scene.run({{{}, 0, std::string(200, 'x')}, conf::TcpSocketAction{}, 5s});
  CHECK(longest.outcome == ProbeOutcome::unreachable);
}

TEST_CASE("a port on which nobody listens refuses") {
  Scene scene;
  scene.pod.stop();
  const auto result = scene.run();
  CHECK(result.outcome == ProbeOutcome::refused);
  CHECK(result.evidence == "connect: Connection refused");
}

TEST_CASE("a connection lost before the answer counts as reset") {
  Scene scene;
  SECTION("reset") {
    scene.pod.script(Behaviour::reset);
  }
  SECTION("closed") {
    scene.pod.script(Behaviour::close);
  }
  CHECK(scene.run().outcome == ProbeOutcome::reset);
}

TEST_CASE("the timeout is over everything, so that dripping does not prolong it") {
  Scene scene;
  SECTION("silent") {
    scene.pod.script(Behaviour::stall);
  }
  SECTION("dripping") {
    scene.pod.script(Behaviour::drip, "HTTP/1.1 200 OK\r\n" + std::string(1000, 'X'));
  }
  const auto result = scene.run({scene.pod.address(), conf::HttpGetAction{}, 150ms});
  CHECK(result.outcome == ProbeOutcome::timeout);
  CHECK(result.evidence == "no answer within 150.0 ms (waiting for the answer)");
  CHECK(result.elapsed >= 150ms);
  CHECK(result.elapsed < 2s);
  CHECK(scene.settle());
}

TEST_CASE("what is not HTTP is an invalid answer") {
  Scene scene;
  SECTION("another protocol") {
    scene.pod.script(Behaviour::answer, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
  }
  SECTION("a head without end") {
    scene.pod.script(Behaviour::flood, "HTTP/1.1 200 OK\r\nX: ");
  }
  CHECK(scene.run().outcome == ProbeOutcome::invalid_answer);
}

TEST_CASE("a body is not waited for, and a huge one is cut") {
  Scene scene;
  SECTION("endless") {
    scene.pod.script(Behaviour::flood, "HTTP/1.1 200 OK\r\n\r\n");
  }
  SECTION("never sent") {
    scene.pod.script(Behaviour::answer, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n");
  }
  const auto result = scene.run();
  CHECK(result.outcome == ProbeOutcome::pass);
  CHECK(result.elapsed < 2s);
  CHECK(scene.settle());
}

TEST_CASE("a lack of descriptors is the prober's own trouble") {
  Scene scene;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  std::optional<ProbeResult> result;
  const Probe probe(scene.context, scene.request(), [&](ProbeResult found) { result = std::move(found); });
  rlimit none = before;
  none.rlim_cur = 3;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const bool ended = run_until(scene.context, [&] { return result.has_value(); });
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(ended);
  CHECK(result->outcome == ProbeOutcome::internal);
}

TEST_CASE("a probe that is given up reports nothing and leaves no connection") {
  Scene scene;
  int reports = 0;
  std::optional<Probe> probe;
  probe.emplace(scene.context, scene.request(), [&](const ProbeResult&) { ++reports; });
  SECTION("before it began") {}
  SECTION("in flight") {
    scene.pod.script(Behaviour::stall);
    REQUIRE(run_until(scene.context, [&] { return scene.pod.requests().size() == 1; }));
  }
  SECTION("while its result is on its way") {
    REQUIRE(run_until(scene.context, [&] { return scene.pod.requests().size() == 1; }));
  }
  probe.reset();
  while (scene.context.poll_one() > 0) {
  }
  CHECK(scene.settle());
  CHECK(reports == 0);
}

TEST_CASE("a probe may be destroyed by its own report, and outlived by nothing of the context") {
  auto scene = std::make_unique<Scene>();
  std::optional<Probe> probe;
  bool reported = false;
  probe.emplace(scene->context, scene->request(), [&](const ProbeResult&) {
    reported = true;
    probe.reset();
  });
  REQUIRE(run_until(scene->context, [&] { return reported; }));
  CHECK_FALSE(probe);
}

TEST_CASE("a context may be destroyed with a probe in flight") {
  boost::asio::io_context pod_context;
  ScriptedPod pod(pod_context);
  pod.script(Behaviour::stall);
  boost::asio::io_context context;
  int reports = 0;
  const Probe probe(context, {pod.address(), conf::HttpGetAction{}, 5s},
                    [&](const ProbeResult&) { ++reports; });
  REQUIRE(run_until(context, [&] {
    pod_context.poll();
    return pod.requests().size() == 1;
  }));
  CHECK(reports == 0);
}

TEST_CASE("a TCP probe with TLS passes no earlier than the handshake") {
  Scene scene;
  auto request = scene.request();
  request.action = conf::TcpSocketAction{};
  CHECK(scene.run(request).outcome == ProbeOutcome::pass);
  net::TlsClientSettings settings;
  settings.verify = false;
  request.tls = std::make_shared<const net::TlsClient>(settings, std::chrono::system_clock::now());
  request.timeout = 100ms;
  const auto result = scene.run(request);
  CHECK(result.outcome == ProbeOutcome::timeout);
  CHECK(result.evidence.find("in the TLS handshake") != std::string::npos);
}
