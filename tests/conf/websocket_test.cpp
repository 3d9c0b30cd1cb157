#include "tests/conf/reading.hpp"

using namespace tidegate::conf;
using namespace std::chrono_literals;

namespace {

std::string with(const std::string& websocket) {
  return "upstreams: {a: {endpoints: ['127.0.0.1:1']}}\nlisteners: ['127.0.0.1:0']\n"
         "routes: [{upstream: a, webSocket: " +
         websocket + "}]\n";
}

WebSocketPolicy policy_of(const std::string& websocket) {
  const auto config = config_of(with(websocket));
  return std::get<ProxyAction>(config.routes.at(0).action).websocket;
}

}  // namespace

TEST_CASE("webSocket: by default faults end the conversation, and nothing is limited or pinged") {
  const auto policy = policy_of("{}");
  CHECK(policy.inspect == Inspect::enforce);
  CHECK(policy.frame_bytes == 0);
  CHECK(policy.message_bytes == 0);
  CHECK_FALSE(policy.rate.limits());
  CHECK_FALSE(policy.pings.any());
  CHECK(policy.redrive == 0ms);
}

TEST_CASE("webSocket: every key") {
  const auto policy = policy_of(
      "{inspect: enforce, maxFrame: 64k, maxMessage: 1m, maxRate: {messagesPerSecond: 50, bytesPerSecond: "
      "10k, "
      "burst: 3s, over: close}, ping: {client: 25s, upstream: 40s, deadAfter: 2}}");
  CHECK(policy.frame_bytes == 65'536);
  CHECK(policy.message_bytes == 1'048'576);
  CHECK(policy.rate.messages_per_second == 50);
  CHECK(policy.rate.bytes_per_second == 10'240);
  CHECK(policy.rate.burst == 3s);
  CHECK(policy.rate.over == OverRate::close);
  CHECK(policy.pings.client == 25s);
  CHECK(policy.pings.upstream == 40s);
  CHECK(policy.pings.dead_after == 2);
}

TEST_CASE("webSocket: `off`, `false` and no other word switch the look at frames off") {
  CHECK(policy_of("{inspect: off}").inspect == Inspect::off);
  CHECK(policy_of("{inspect: false}").inspect == Inspect::off);
  CHECK(policy_of("{inspect: watch}").inspect == Inspect::watch);
  CHECK(errors_of(with("{inspect: wach}")).find("did you mean `watch`?") != std::string::npos);
}

TEST_CASE("webSocket: what cannot act together is refused in words") {
  for (const std::string keys :
       {"maxFrame: 1k", "maxMessage: 1k", "maxRate: {messagesPerSecond: 1}", "maxRate: {bytesPerSecond: 1k}",
        "ping: {client: 1s}", "ping: {upstream: 1s}", "redrive: 30ms"}) {
    CAPTURE(keys);
    CHECK(errors_of(with("{inspect: off, " + keys + "}")).find("`off` looks at no frame") !=
          std::string::npos);
  }
  CHECK(errors_of(with("{inspect: watch, maxFrame: 1k}")).find("`watch` ends no WebSocket") !=
        std::string::npos);
  CHECK(errors_of(with("{inspect: watch, maxRate: {messagesPerSecond: 5}}")).empty());
}

TEST_CASE("redrive: a time, for pods of a known kind by a preset, before which a written one goes") {
  const auto with_preset = [](const std::string& websocket) {
    const auto config = config_of(
        "upstreams: {a: {endpoints: ['127.0.0.1:1']}}\nlisteners: ['127.0.0.1:0']\n"
        "routes: [{upstream: a, preset: soketi, webSocket: " +
        websocket + "}]\n");
    return std::get<ProxyAction>(config.routes.at(0).action).websocket.redrive;
  };
  CHECK(policy_of("{redrive: 100ms}").redrive == 100ms);
  CHECK(policy_of("{inspect: watch, redrive: 100ms}").redrive == 100ms);
  CHECK(with_preset("{}") == 30ms);
  CHECK(with_preset("{maxFrame: 1k}") == 30ms);
  CHECK(with_preset("{redrive: 70ms}") == 70ms);
  CHECK(with_preset("{redrive: 0s}") == 0ms);
  CHECK(errors_of(with("{redrive: 1h}")).find("redrive") != std::string::npos);
}

TEST_CASE("preset: beside an upstream, and of a kind that is known") {
  const std::string head = "upstreams: {a: {endpoints: ['127.0.0.1:1']}}\nlisteners: ['127.0.0.1:0']\n";
  CHECK(errors_of(head + "routes: [{upstream: a, preset: sokety}]\n").find("did you mean `soketi`?") !=
        std::string::npos);
  CHECK(errors_of(head + "routes: [{respond: {status: 200}, preset: soketi}]\n").find("`upstream`") !=
        std::string::npos);
  CHECK(errors_of(head + "routes: [{upstream: a, preset: soketi, webSocket: {inspect: off}}]\n")
            .find("leave out `redrive` and the route's `preset`") != std::string::npos);
}
