// A WebSocket probe on real sockets; what it makes of the answers is in websocket_trial_test.
#include <optional>

#include "health/probe.hpp"
#include "tests/health/scripted_pod.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::health;
using namespace std::chrono_literals;

namespace {

using Behaviour = ScriptedPod::Behaviour;
using Frames = std::vector<std::string>;

struct Scene {
  boost::asio::io_context context;
  ScriptedPod pod{context};

  ProbeResult run(std::chrono::milliseconds timeout = 5s,
                  conf::ProxyProtocolOut proxy_protocol = conf::ProxyProtocolOut::off) {
    std::optional<ProbeResult> result;
    conf::WebSocketAction action;
    action.path = "/app";
    const Probe probe(context, {pod.address(), action, timeout, {}, proxy_protocol},
                      [&](ProbeResult found) { result = std::move(found); });
    REQUIRE(run_until(context, [&] { return result.has_value(); }));
    return *result;
  }
  // Runs until nothing of a probe is left at the pod.
  [[nodiscard]] bool settle() {
    return run_until(context, [&] { return pod.open() == 0; });
  }
};

}  // namespace

TEST_CASE("a WebSocket probe passes by its pong and says goodbye") {
  Scene scene;
  SECTION("at once") {
    scene.pod.script(Behaviour::upgrade);
  }
  SECTION("behind a greeting") {
    scene.pod.script(Behaviour::upgrade, "\x81\x05hello");
  }
  const auto result = scene.run();
  CHECK(result.outcome == ProbeOutcome::pass);
  CHECK(result.status == 101);
  CHECK(result.evidence.starts_with("101 and pong in "));
  REQUIRE(scene.settle());
  CHECK(scene.pod.frames() == Frames{"ping", "close 1000"});
  CHECK(scene.pod.requests().at(0).starts_with("GET /app HTTP/1.1\r\nHost: " + scene.pod.address().text()));
}

TEST_CASE("each handshake of a probe has a key of its own") {
  Scene scene;
  scene.pod.script(Behaviour::upgrade);
  scene.run();
  scene.run();
  CHECK(scene.pod.requests().at(0) != scene.pod.requests().at(1));
}

TEST_CASE("a WebSocket probe fails by what it meets") {
  struct Row {
    Behaviour behaviour;
    std::string text;
    ProbeOutcome outcome;
    std::string evidence;
  };
  const Row rows[] = {
      {Behaviour::answer, ScriptedPod::head(200), ProbeOutcome::not_ready, "HTTP 200 instead of 101 in "},
      {Behaviour::upgrade, "\x88\x02\x0f\xa1", ProbeOutcome::not_ready, "Close 4001 before the pong in "},
      {Behaviour::close, "", ProbeOutcome::reset, "closed waiting for the 101 after "},
      {Behaviour::reset, "", ProbeOutcome::reset, "receive: Connection reset"},
      {Behaviour::flood, "HTTP/1.1 200 OK\r\n\r\n", ProbeOutcome::not_ready, "HTTP 200 instead of 101 in "},
      {Behaviour::answer, "SSH-2.0-OpenSSH_9.2\r\n\r\n", ProbeOutcome::invalid_answer,
       "the answer is not HTTP: "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.evidence);
    Scene scene;
    scene.pod.script(row.behaviour, row.text);
    const auto result = scene.run();
    CHECK(result.outcome == row.outcome);
    CAPTURE(result.evidence);
    CHECK(result.evidence.starts_with(row.evidence));
    CHECK(scene.settle());
  }
}

TEST_CASE("the timeout of a WebSocket probe is over everything") {
  Scene scene;
  SECTION("no 101") {
    scene.pod.script(Behaviour::stall);
    CHECK(scene.run(100ms).evidence == "no answer within 100.0 ms (waiting for the 101)");
  }
  SECTION("no pong, though the handshake was fine") {
    // A frame that says it is longer than what ever comes: the pod's pong is within it.
    scene.pod.script(Behaviour::upgrade, "\x82\x7e\x10");
    const auto result = scene.run(100ms);
    CHECK(result.outcome == ProbeOutcome::timeout);
    CHECK(result.evidence == "no answer within 100.0 ms (waiting for the pong)");
  }
  CHECK(scene.settle());
}

TEST_CASE("a WebSocket probe that is given up leaves no connection") {
  Scene scene;
  int reports = 0;
  std::optional<Probe> probe;
  scene.pod.script(Behaviour::upgrade, "\x82\x7e\x10");
  probe.emplace(scene.context, ProbeRequest{scene.pod.address(), conf::WebSocketAction{}, 5s},
                [&](const ProbeResult&) { ++reports; });
  REQUIRE(run_until(scene.context, [&] { return scene.pod.frames() == Frames{"ping"}; }));
  probe.reset();
  CHECK(scene.settle());
  CHECK(reports == 0);
}

TEST_CASE("a WebSocket probe is introduced by the PROXY protocol where requests are") {
  Scene scene;
  scene.pod.script(Behaviour::answer, ScriptedPod::head(404));
  scene.run(5s, conf::ProxyProtocolOut::v1);
  CHECK(scene.pod.requests().at(0).starts_with("PROXY "));
  CHECK(scene.pod.requests().at(0).find("\r\nGET /app HTTP/1.1\r\n") != std::string::npos);
}
