// What is told about a tunnel when it has ended: one line in the access log, and counters.
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;
namespace json = boost::json;

namespace {

class Log {
 public:
  Log() : path_("/tmp/tidegate-tunnel-" + std::to_string(::getpid()) + ".log") { ::unlink(path_.c_str()); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() { ::unlink(path_.c_str()); }

  [[nodiscard]] std::string settings() const {
    return "log: { access: { path: " + path_ + ", format: json }, error: { path: /dev/null } }\n";
  }
  // The lines so far; waits for the first.
  [[nodiscard]] std::vector<json::object> lines() const {
    std::vector<json::object> all;
    wait_until("a line of the access log", [&] {
      all.clear();
      std::ifstream file(path_);
      for (std::string line; std::getline(file, line);) all.push_back(json::parse(line).as_object());
      return !all.empty();
    });
    return all;
  }

 private:
  std::string path_;
};

struct Scene {
  explicit Scene(std::string_view offer = {}, std::string_view taken = {})
      : gateway(in_front_of(backend, {.rest = log.settings()})),
        both(open_tunnel(gateway, backend, offer, taken)) {}
  Log log;
  ScriptedBackend backend;
  GatewayFixture gateway;
  Tunnelled both;

  json::object line() const {
    const auto all = log.lines();
    REQUIRE(all.size() == 1);
    return all.front();
  }
};

std::int64_t number(const json::value& value) {
  return value.to_number<std::int64_t>();
}

const json::object& tunnel_of(const json::object& line) {
  std::string keys;
  for (const auto& [key, value] : line) keys += std::string(key) + " ";
  INFO(keys);
  REQUIRE(line.contains("websocket"));
  return line.at("websocket").as_object();
}

}  // namespace

TEST_CASE("a tunnel's line says messages, bytes, close codes, who closed first, and how it ended") {
  Scene scene;
  scene.both.echo("one");
  scene.both.echo("two");
  const auto ping = from_pod("?", Opcode::ping);
  scene.both.pod.send(ping);
  scene.both.client.expect(ping);
  scene.both.client.send(close_from_client(1000));
  scene.both.pod.expect(close_from_client(1000));
  scene.both.pod.send(close_from_pod(4200));
  scene.both.pod.close();
  scene.both.client.expect(close_from_pod(4200));
  CHECK(scene.both.client.expect_end() == StreamEnd::orderly);
  scene.both.client.close();
  const auto line = scene.line();
  CHECK(number(line.at("status")) == 101);
  CHECK(line.at("target") == "/app");
  CHECK(line.at("upstream") == "pods");
  const auto& tunnel = tunnel_of(line);
  const auto up = from_client("one").size() + from_client("two").size() + close_from_client(1000).size();
  const auto down =
      from_pod("one").size() + from_pod("two").size() + ping.size() + close_from_pod(4200).size();
  CHECK(number(tunnel.at("from_client").at("messages")) == 2);
  CHECK(number(tunnel.at("from_client").at("bytes")) == static_cast<std::int64_t>(up));
  CHECK(number(tunnel.at("from_client").at("close_code")) == 1000);
  CHECK(number(tunnel.at("from_pod").at("messages")) == 2);
  CHECK(number(tunnel.at("from_pod").at("bytes")) == static_cast<std::int64_t>(down));
  CHECK(number(tunnel.at("from_pod").at("close_code")) == 4200);
  CHECK(tunnel.at("closed_first") == "client");
  CHECK(tunnel.at("end") == "closed");
  CHECK(tunnel.at("truncated") == false);
  CHECK_FALSE(tunnel.contains("gateway_close_code"));
  const auto& u = [&](auto counter) { return scene.gateway.upstream("pods", counter); };
  CHECK(u([](const auto& c) { return c.messages_from_client.value(); }) == 2);
  CHECK(u([](const auto& c) { return c.messages_from_pod.value(); }) == 2);
  CHECK(u([](const auto& c) { return c.tunnel_bytes_from_client.value(); }) == up);
  CHECK(u([](const auto& c) { return c.tunnel_bytes_from_pod.value(); }) == down);
}

TEST_CASE("early bytes in both directions are counted as all others") {
  Log log;
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.rest = log.settings()}));
  RawClient client(gateway.port());
  client.send(handshake() + from_client("early"));
  auto pod = backend.accept();
  (void)pod.read_head();
  pod.send(switching() + from_pod("at once"));
  pod.expect(from_client("early"));
  (void)client.read_head();
  client.expect(from_pod("at once"));
  client.close();
  (void)pod.expect_end();
  pod.close();
  const auto lines = log.lines();
  const auto& tunnel = tunnel_of(lines.front());
  CHECK(number(tunnel.at("from_client").at("messages")) == 1);
  CHECK(number(tunnel.at("from_pod").at("messages")) == 1);
  CHECK(tunnel.at("closed_first") == "client");
  CHECK(tunnel.at("end") == "client_lost");
}

TEST_CASE("a lost pod is told as such, with the code the gateway put in") {
  Scene scene;
  scene.both.echo("one");
  scene.both.pod.close();
  expect_close(scene.both.client, 1012);
  scene.both.client.close();
  const auto line = scene.line();
  const auto& tunnel = tunnel_of(line);
  CHECK(tunnel.at("closed_first") == "pod");
  CHECK(tunnel.at("end") == "pod_lost");
  CHECK(number(tunnel.at("gateway_close_code")) == 1012);
  CHECK(tunnel.at("truncated") == false);
}

TEST_CASE("RFC 8446 6.1: a client's end without close_notify is told, unless its Close came before") {
  Scene scene;
  scene.both.echo("one");
  const bool said_close = GENERATE(false, true);
  if (said_close) {
    scene.both.client.send(close_from_client(1000));
    scene.both.pod.expect(close_from_client(1000));
  }
  ::shutdown(scene.both.client.fd(), SHUT_WR);
  (void)scene.both.pod.expect_end();
  scene.both.pod.close();
  const auto line = scene.line();
  const auto& tunnel = tunnel_of(line);
  CHECK(tunnel.at("from_client").as_object().contains("cut") == (tls_everywhere() && !said_close));
  CHECK_FALSE(tunnel.at("from_pod").as_object().contains("cut"));
  CHECK(tunnel.at("truncated") == false);
}

TEST_CASE("a pod that says Close first is told as such") {
  Scene scene;
  scene.both.pod.send(close_from_pod(1012));
  scene.both.client.expect(close_from_pod(1012));
  scene.both.client.send(close_from_client(1012));
  scene.both.pod.expect(close_from_client(1012));
  scene.both.pod.close();
  (void)scene.both.client.expect_end();
  scene.both.client.close();
  const auto line = scene.line();
  const auto& tunnel = tunnel_of(line);
  CHECK(tunnel.at("closed_first") == "pod");
  CHECK(tunnel.at("end") == "closed");
  CHECK(number(tunnel.at("from_pod").at("close_code")) == 1012);
}

TEST_CASE("RFC 7692: compressed messages are counted where the extension was agreed") {
  const std::string extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  Scene scene(extension, extension);
  const auto frame = tidegate::tests::encode({Opcode::text, true, "\xca\x48\xcd\xc9\xc9\x07", 0x40},
                                             tidegate::websocket::Sender::server);
  scene.both.pod.send(frame + frame);
  scene.both.client.expect(frame + frame);
  scene.both.client.close();
  (void)scene.both.pod.expect_end();
  scene.both.pod.close();
  const auto line = scene.line();
  CHECK(number(tunnel_of(line).at("from_pod").at("messages")) == 2);
}
