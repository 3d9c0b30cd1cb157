#include <random>

#include "conf/addresses.hpp"
#include "gateway/handover/archive.hpp"
#include "gateway/handover/inventory.hpp"
#include "gateway/tunnel/care.hpp"
#include "gateway/tunnel/moving.hpp"
#include "tests/support/catch.hpp"
#include "wire/websocket/frame_scanner.hpp"

using namespace tidegate::gateway;
using namespace std::chrono_literals;
namespace conf = tidegate::conf;
namespace net = tidegate::net;
namespace upstream = tidegate::upstream;
namespace websocket = tidegate::websocket;

namespace {

TunnelFacts some_facts() {
  TunnelFacts facts;
  facts.endpoint = "127.0.0.1:6001";
  facts.followed = true;
  facts.places.push_back({"per-client", {{1, 2, 3}}, false, true});
  auto& record = facts.record;
  record.method = "GET";
  record.target = "/app/key?a=1";
  record.route = "sockets";
  record.upstream = "pods";
  record.status = 101;
  record.request_time = 1234us;
  record.finished_at = std::chrono::system_clock::time_point(77s);
  for (int i = 0; i < 3; ++i) {
    Attempt attempt;
    attempt.endpoint = i == 2 ? "127.0.0.1:6001" : "127.0.0.1:6002";
    attempt.outcome = i == 2 ? AttemptOutcome::answered : AttemptOutcome::refused;
    attempt.total = std::chrono::microseconds(i);
    record.attempts.push_back(attempt);
  }
  return facts;
}

// A client's stream with every kind of frame that keeps state: fragments, a ping, a Close in the middle of
// one.
std::string stream() {
  std::string bytes;
  const auto frame = [&bytes](int first, const std::string& payload) {
    bytes += static_cast<char>(first);
    if (payload.size() < 126) {
      bytes += static_cast<char>(0x80 | payload.size());
    } else {
      bytes += static_cast<char>(0x80 | 126);
      bytes += static_cast<char>(payload.size() >> 8);
      bytes += static_cast<char>(payload.size() & 0xff);
    }
    bytes += std::string(4, '\0') + payload;
  };
  frame(0x01, "frag");
  frame(0x89, "ping");
  frame(0x80, std::string(300, 'x'));
  frame(0x82, "whole");
  frame(0x88, std::string("\x03\xe8", 2) + "bye");
  return bytes;
}

}  // namespace

TEST_CASE("an endpoint is in the other process what it was in this one") {
  upstream::Registry registry({});
  auto settings = std::make_shared<conf::Upstream>();
  settings->name = "pods";
  registry.set_cluster(settings, upstream::Clock::now());
  upstream::DiscoveredEndpoint offered;
  offered.address = *conf::parse_endpoint_address("10.0.0.1:6001");
  offered.weight = 7;
  offered.priority = 3;
  offered.name = "soketi-0";
  offered.host = "soketi-0.pods.test";
  offered.dual_stack = true;
  registry.discover("pods", 1, upstream::Upsert{{offered}}, upstream::Clock::now());
  const auto endpoint = registry.endpoint_at("pods", "10.0.0.1:6001");
  REQUIRE(endpoint);
  SECTION("serving") {}
  SECTION("not serving") {
    offered.offer = upstream::Offer::not_serving;
    offered.cause = "slice soketi-x2v says not ready";
    registry.discover("pods", 1, upstream::Upsert{{offered}}, upstream::Clock::now());
  }
  SECTION("leaving") {
    REQUIRE(endpoint->reserve());
    offered.offer = upstream::Offer::leaving;
    offered.cause = "slice soketi-x2v says terminating";
    registry.discover("pods", 1, upstream::Upsert{{offered}}, upstream::Clock::now());
  }
  const auto bytes = packed(facts_of(registry.report().at(0), *endpoint));
  Unpacker unpacker(bytes);
  EndpointFacts facts;
  unpacker(facts);
  REQUIRE(unpacker.is_done());
  CHECK(offer_of(facts) == offered);
}

TEST_CASE("what was packed is read the same") {
  const auto bytes = packed(some_facts());
  Unpacker unpacker(bytes);
  TunnelFacts facts;
  unpacker(facts);
  REQUIRE(unpacker.is_done());
  CHECK(facts.endpoint == "127.0.0.1:6001");
  CHECK(facts.followed);
  REQUIRE(facts.places.size() == 1);
  CHECK(facts.places[0].limit == "per-client");
  CHECK(facts.places[0].client == ClientKey{{1, 2, 3}});
  CHECK(facts.places[0].websocket);
  CHECK(facts.record.target == "/app/key?a=1");
  CHECK(facts.record.status == 101);
  CHECK(facts.record.request_time == 1234us);
  CHECK(facts.record.finished_at == std::chrono::system_clock::time_point(77s));
  REQUIRE(facts.record.attempts.kept().size() == 3);
  CHECK(facts.record.attempts.total() == 3);
  CHECK(facts.record.attempts.kept()[0].outcome == AttemptOutcome::refused);
  CHECK(facts.record.attempts.kept()[2].endpoint == "127.0.0.1:6001");
  CHECK(facts.record.attempts.kept()[2].total == 2us);
}

TEST_CASE("bytes that are missing or too many are noticed, wherever they end") {
  const auto bytes = packed(some_facts());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Unpacker unpacker(std::string_view(bytes).substr(0, size));
    TunnelFacts facts;
    unpacker(facts);
    CHECK_FALSE(unpacker.is_done());
  }
  const auto more = bytes + "x";
  Unpacker unpacker(more);
  TunnelFacts facts;
  unpacker(facts);
  CHECK_FALSE(unpacker.failed());
  CHECK_FALSE(unpacker.is_done());
}

TEST_CASE("damaged bytes are read without a crash and without a list that is longer than they are") {
  const auto bytes = packed(some_facts());
  std::minstd_rand random(7);
  for (int i = 0; i < 2'000; ++i) {
    auto damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    Unpacker unpacker(damaged);
    TunnelFacts facts;
    unpacker(facts);
    CHECK(facts.places.size() <= bytes.size());
    CHECK(facts.record.attempts.kept().size() <= AttemptList::capacity);
  }
}

TEST_CASE("a scanner goes on elsewhere as if it had not moved, wherever it is cut") {
  const auto bytes = stream();
  const websocket::FrameRules rules{.enforced = true};
  websocket::FrameScanner whole(websocket::Sender::client, 0);
  std::string passed;
  const auto pass = [&passed](std::string_view run) { passed += run; };
  whole.filter(bytes, rules, pass);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    websocket::FrameScanner before(websocket::Sender::client, 0);
    websocket::FrameScanner after(websocket::Sender::server, 7);
    std::string both;
    const auto pass_both = [&both](std::string_view run) { both += run; };
    before.filter(std::string_view(bytes).substr(0, cut), rules, pass_both);
    Packer packer;
    before.carry(packer);
    const auto state = packer.take();
    Unpacker unpacker(state);
    after.carry(unpacker);
    REQUIRE(unpacker.is_done());
    after.filter(std::string_view(bytes).substr(cut), rules, pass_both);
    CHECK(both == passed);
    CHECK(after.counts().messages == whole.counts().messages);
    CHECK(after.counts().control_frames == whole.counts().control_frames);
    CHECK(after.close_code() == whole.close_code());
    CHECK(after.fault() == whole.fault());
    CHECK(after.at_boundary() == whole.at_boundary());
  }
}

TEST_CASE("who is cared for keeps his times") {
  const net::TimePoint now(1h);
  Care before(now);
  before.paused_until = now + 3s;
  tidegate::conf::SocketRate rate;
  rate.messages_per_second = 1;
  (void)before.pace.count(rate, 5, 0, now);
  const auto bytes = packed(before);
  Care after(net::TimePoint{});
  Unpacker unpacker(bytes);
  unpacker(after);
  REQUIRE(unpacker.is_done());
  CHECK(after.paused_until == now + 3s);
  CHECK(packed(after) == bytes);
}

TEST_CASE("what an endpoint's probes have said of new sockets goes along") {
  conf::Upstream settings;
  settings.new_socket_probe.emplace();
  settings.websocket_probe.emplace();
  EndpointFacts facts;
  facts.upstream = "pods";
  facts.sockets.configure(settings, true);
  (void)facts.sockets.report(upstream::ProbeKind::websocket, upstream::Verdict::fail,
                             "HTTP 502 instead of 101");
  const auto bytes = packed(facts);
  Unpacker unpacker(bytes);
  EndpointFacts read;
  unpacker(read);
  REQUIRE(unpacker.is_done());
  CHECK(read.upstream == "pods");
  CHECK(read.sockets.verdict(upstream::ProbeKind::new_socket) == upstream::Verdict::pass);
  CHECK(read.sockets.verdict(upstream::ProbeKind::websocket) == upstream::Verdict::fail);
  CHECK(read.sockets.cause(upstream::ProbeKind::websocket) == "HTTP 502 instead of 101");
}
