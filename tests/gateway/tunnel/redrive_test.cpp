// A pod that lets clients in only to send them away: they never see it, as long as another can have them.
#include <atomic>
#include <vector>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
using namespace std::chrono_literals;
using tidegate::upstream::EndpointState;

namespace {

// No test waits for so long: what comes sooner was not held back.
const std::string kLong = "    webSocket: { redrive: 5s }\n";
const std::string kShort = "    webSocket: { redrive: 50ms }\n";

const std::string kFarewell =
    R"({"event":"pusher:error","data":{"code":4200,"message":"Server closed. Please reconnect shortly."}})";

std::uint64_t redrives(const GatewayFixture& gateway) {
  return gateway.upstream("pods", [](const auto& counters) { return counters.redrives.value(); });
}

// A probe that finds out by itself nothing that a test waits for.
const std::string kRareProbe = "    readinessProbe: { httpGet: { path: /ready }, periodSeconds: 600 }\n";

std::string answer_probe(bool ready) {
  const std::string status = ready ? "200" : "500";
  return "HTTP/1.1 " + status + " x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

// A pod that is ready when it is probed first and leaves from then on: it answers every handshake with these
// words, in pieces of so many bytes, and reads on.
struct AwaySender {
  AwaySender(const std::string& words, std::size_t piece_size) {
    backend.serve([this, words, piece_size](RawSocket& connection) {
      if (connection.at_end()) return;
      if (connection.read_head().starts_with("GET /ready ")) return connection.send(answer_probe(!probed++));
      // The gateway has heard enough before all is said, and closes.
      for (std::size_t at = 0; at < words.size(); at += piece_size) {
        if (!connection.try_send(words.substr(at, piece_size))) return;
      }
      while (!connection.at_end()) (void)connection.read_some();
    });
  }

  std::atomic<int> probed{0};
  ScriptedBackend backend;  // last: its threads use the other
};

// Greets whoever comes, so that nobody waits for its first frame, and echoes.
struct GreetingPod {
  GreetingPod() {
    backend.serve([this](RawSocket& connection) {
      if (connection.at_end()) return;
      if (connection.read_head().starts_with("GET /ready ")) return connection.send(answer_probe(true));
      ++handshakes;
      connection.send(switching() + from_pod("welcome"));
      while (!connection.at_end()) connection.send(from_pod(read_frame(connection).payload));
    });
  }

  std::atomic<int> handshakes{0};
  ScriptedBackend backend;  // last: its threads use the other
};

// A gateway in front of one pod that the test scripts, after the pod's 101 to the client's handshake.
struct Scene {
  explicit Scene(const Setup& setup) : gateway(in_front_of(backend, setup)), client(gateway.port()) {
    client.send(handshake());
    pod = accept_handshake();
    pod.send(switching());
  }

  [[nodiscard]] RawSocket accept_handshake() {
    auto connection = backend.accept();
    (void)connection.read_head();
    return connection;
  }
  void expect_switch() { CHECK(client.read_head().starts_with("HTTP/1.1 101 ")); }

  ScriptedBackend backend;
  GatewayFixture gateway;
  RawClient client;
  RawSocket pod;
};

}  // namespace

TEST_CASE("a pod that sends newcomers away is taken out, and its clients get another in its place") {
  struct Row {
    std::string words;  // behind the 101
    std::string cause;
  };
  const std::vector<Row> rows{
      {close_from_pod(4200, "Server closed"), "answered a handshake by Close 4200"},
      {close_from_pod(1001), "answered a handshake by Close 1001"},
      {close_from_pod(1012), "answered a handshake by Close 1012"},
      {from_pod(kFarewell) + close_from_pod(4200), "answered a handshake by pusher:error 4200"},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece_size : {std::size_t{1}, std::size_t{100'000}}) {
      CAPTURE(row.cause, piece_size);
      AwaySender leaving(switching() + row.words, piece_size);
      GreetingPod staying;
      GatewayFixture gateway(
          in_front_of({&leaving.backend, &staying.backend}, {.route = kLong, .upstream = kRareProbe}));
      gateway.wait_for_ready();
      for (int i = 0; i < 4; ++i) {
        auto client = open_client(gateway);
        CHECK(read_frame(client).payload == "welcome");
        expect_echo(client, "hello");
      }
      CHECK(staying.handshakes == 4);
      CHECK(redrives(gateway) == 1);
      CHECK(gateway.retries("pods") == 1);
      const auto reports = gateway.endpoints();
      for (const auto& report : reports) {
        if (report.address == leaving.backend.address()) CHECK(report.last.cause == row.cause);
      }
    }
  }
}

TEST_CASE("without redrive a client sees what its pod says, at once") {
  Scene scene({});
  scene.expect_switch();
  scene.pod.send(close_from_pod(4200));
  expect_close(scene.client, 4200);
  CHECK(redrives(scene.gateway) == 0);
}

TEST_CASE("any other first frame lets the 101 and itself go at once") {
  for (const auto& words : {from_pod("hello"), from_pod("x", Opcode::binary), from_pod({}, Opcode::ping),
                            close_from_pod(1000), close_from_pod(4001)}) {
    Scene scene({.route = kLong});
    const auto began = std::chrono::steady_clock::now();
    scene.pod.send(words);
    scene.expect_switch();
    scene.client.expect(words);
    CHECK(std::chrono::steady_clock::now() - began < 4s);
  }
}

TEST_CASE("the 101 of a pod that says nothing goes out when the time is over") {
  Scene scene({.route = kShort});
  scene.expect_switch();
  const auto sent = from_client("hello");
  scene.client.send(sent);
  scene.pod.expect(sent);
  CHECK(redrives(scene.gateway) == 0);
}

TEST_CASE("half a frame when the time is over is the client's, and so is the rest") {
  Scene scene({.route = kShort});
  const auto close = close_from_pod(4200, "Server closed");
  const auto farewell = from_pod(kFarewell);
  scene.pod.send(farewell.substr(0, 20));
  scene.expect_switch();
  scene.client.expect(farewell.substr(0, 20));
  scene.pod.send(farewell.substr(20) + close);
  scene.client.expect(farewell.substr(20) + close);
}

TEST_CASE("a client that has spoken already gets its pod's answer, whatever that is") {
  SECTION("behind its head: nothing is held back") {
    ScriptedBackend backend;
    GatewayFixture gateway(in_front_of(backend, {.route = kLong}));
    RawClient client(gateway.port());
    client.send(handshake() + from_client("early"));
    auto pod = backend.accept();
    (void)pod.read_head();
    pod.send(switching());
    CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
    pod.expect(from_client("early"));
    pod.send(close_from_pod(4200));
    expect_close(client, 4200);
  }
  SECTION("while the 101 waited") {
    Scene scene({.route = kLong});
    scene.client.send(from_client("early"));
    scene.pod.send(close_from_pod(4200));
    scene.expect_switch();
    expect_close(scene.client, 4200);
    CHECK(redrives(scene.gateway) == 0);
  }
}

TEST_CASE("a client that leaves while the 101 waits takes the pod's connection along") {
  Scene scene({.route = kLong});
  scene.client.close();
  (void)scene.pod.expect_end();
  wait_until("it to be counted", [&] {
    return scene.gateway.requests("pods", tidegate::gateway::StatusClass::client_gone) == 1;
  });
}

TEST_CASE("a pod lost behind its 101 is a failed try, and the next one is made") {
  for (const bool by_reset : {false, true}) {
    CAPTURE(by_reset);
    Scene scene({.route = kLong});
    scene.pod.send(from_pod("half a frame").substr(0, 5));
    if (by_reset) {
      scene.pod.reset();
    } else {
      scene.pod.close();
    }
    auto pod = scene.accept_handshake();
    pod.send(switching() + from_pod("hello"));
    scene.expect_switch();
    scene.client.expect(from_pod("hello"));
    CHECK(scene.gateway.retries("pods") == 1);
    CHECK(redrives(scene.gateway) == 0);
  }
}

TEST_CASE("where no other pod is there the client waits, and gets the next one that is ready") {
  std::atomic<bool> leaving{false};
  ScriptedBackend backend;
  backend.serve([&](RawSocket& connection) {
    if (connection.at_end()) return;
    if (connection.read_head().starts_with("GET /ready ")) return connection.send(answer_probe(!leaving));
    connection.send(switching() + (leaving ? close_from_pod(4200) : from_pod("welcome")));
    while (!connection.at_end()) (void)connection.read_some();
  });
  GatewayFixture gateway(in_front_of(backend, {.route = kLong, .upstream = kRareProbe}));
  gateway.wait_for_ready();
  leaving = true;
  RawClient client(gateway.port());
  client.send(handshake());
  wait_until("it to wait", [&] { return gateway.waiting("pods") == 1; });
  gateway.wait_for_state(backend.address(), EndpointState::unready);
  leaving = false;
  CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
  client.expect(from_pod("welcome"));
  CHECK(redrives(gateway) == 1);
}

TEST_CASE("where nothing better can come, the client is told what its pod said") {
  const std::vector<std::string> settings{"    retry: { lostTries: 1 }\n", "    hold: off\n"};
  for (const auto& upstream : settings) {
    CAPTURE(upstream);
    Scene scene({.route = kLong, .upstream = upstream});
    scene.pod.send(close_from_pod(4200));
    scene.expect_switch();
    expect_close(scene.client, 4200);
    CHECK(redrives(scene.gateway) == 0);
  }
}

TEST_CASE("where nobody else may wait, the client is told what its pod said") {
  std::atomic<int> probed{0};
  std::atomic<int> handshakes{0};
  std::atomic<int> released{0};
  ScriptedBackend backend;
  backend.serve([&](RawSocket& connection) {
    if (connection.at_end()) return;
    if (connection.read_head().starts_with("GET /ready ")) return connection.send(answer_probe(!probed++));
    const int number = ++handshakes;
    wait_until("its turn", [&] { return released >= number; });
    connection.send(switching() + close_from_pod(4200));
    while (!connection.at_end()) (void)connection.read_some();
  });
  GatewayFixture gateway(
      in_front_of(backend, {.route = kLong, .upstream = kRareProbe + "    hold: { maxWaiting: 1 }\n"}));
  gateway.wait_for_ready();
  RawClient first(gateway.port());
  first.send(handshake());
  wait_until("the first to be there", [&] { return handshakes == 1; });
  RawClient second(gateway.port());
  second.send(handshake());
  wait_until("the second to be there", [&] { return handshakes == 2; });
  released = 1;
  wait_until("the first to wait", [&] { return gateway.waiting("pods") == 1; });
  released = 2;
  CHECK(second.read_head().starts_with("HTTP/1.1 101 "));
  expect_close(second, 4200);
  CHECK(redrives(gateway) == 1);
}

TEST_CASE("one client takes out one pod, whatever it makes the others say") {
  const auto send_away = [](RawSocket& connection) {
    if (connection.at_end()) return;
    if (connection.read_head().starts_with("GET /ready ")) return connection.send(answer_probe(true));
    connection.send(switching() + close_from_pod(4200));
    while (!connection.at_end()) (void)connection.read_some();
  };
  ScriptedBackend first;
  ScriptedBackend second;
  first.serve(send_away);
  second.serve(send_away);
  GatewayFixture gateway(
      in_front_of({&first, &second}, {.route = kLong, .upstream = kRareProbe + "    hold: off\n"}));
  gateway.wait_for_ready();
  const auto transitions = [&] {
    std::vector<std::uint64_t> each;
    for (const auto& endpoint : gateway.endpoints()) each.push_back(endpoint.transitions);
    return each;
  };
  const auto before = transitions();
  RawClient client(gateway.port());
  client.send(handshake());
  CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
  expect_close(client, 4200);
  CHECK(redrives(gateway) == 1);
  const auto moved = [&](std::size_t index) { return transitions()[index] - before[index]; };
  wait_until("one to be taken out and to come back", [&] { return moved(0) == 2 || moved(1) == 2; });
  gateway.settle();
  CHECK(moved(0) + moved(1) == 2);
}

TEST_CASE("where nothing is retried, no 101 waits") {
  Scene scene({.route = kLong, .upstream = "    retry: off\n"});
  const auto began = std::chrono::steady_clock::now();
  scene.expect_switch();
  CHECK(std::chrono::steady_clock::now() - began < 4s);
}

TEST_CASE("a virtual address is tried anew and never taken out") {
  Scene scene({.route = kLong, .upstream = "    virtual: true\n"});
  scene.pod.send(close_from_pod(4200));
  auto pod = scene.accept_handshake();
  pod.send(switching() + from_pod("hello"));
  scene.expect_switch();
  scene.client.expect(from_pod("hello"));
  CHECK(redrives(scene.gateway) == 1);
  CHECK(scene.gateway.endpoints().at(0).state == EndpointState::ready);
}

TEST_CASE("Soketi's preset") {
  AwaySender leaving(switching() + from_pod(kFarewell) + close_from_pod(4200), 100'000);
  EchoPod staying;
  GatewayFixture gateway(in_front_of({&leaving.backend, &staying.backend},
                                     {.route = "    preset: soketi\n", .upstream = kRareProbe}));
  gateway.wait_for_ready();
  for (int i = 0; i < 2; ++i) {
    auto client = open_client(gateway);
    expect_echo(client, "hello");
  }
  CHECK(redrives(gateway) == 1);
}
