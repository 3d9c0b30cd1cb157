// What a pod's answer to a handshake must be (RFC 6455 4.1, RFC 9110 7.8 and 15.2).
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate::test;

namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  return text.replace(text.find(what), what.size(), by);
}

constexpr const char* kNoHelp = "    retry: off\n    hold: off\n";

}  // namespace

TEST_CASE("RFC 6455 4.1: a 101 that does not answer the handshake is a 502, and nothing is tunnelled") {
  struct Row {
    const char* name;
    std::string answer;
  };
  const Row rows[] = {
      {"a wrong Accept", replaced(switching(), kAccept, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")},
      {"no Accept", replaced(switching(), "Sec-WebSocket-Accept", "X-Accept")},
      {"Accept twice", switching("Sec-WebSocket-Accept: " + std::string(kAccept) + "\r\n")},
      {"no Upgrade", replaced(switching(), "Upgrade: websocket", "X-Upgrade: websocket")},
      {"another protocol", replaced(switching(), "Upgrade: websocket", "Upgrade: h2c")},
      {"two protocols", replaced(switching(), "Upgrade: websocket", "Upgrade: websocket, h2c")},
      {"no Connection", replaced(switching(), "Connection: Upgrade", "Connection: keep-alive")},
      {"a subprotocol that was not offered", switching("Sec-WebSocket-Protocol: soap\r\n")},
      {"two subprotocols", switching("Sec-WebSocket-Protocol: chat, superchat\r\n")},
      {"an extension that was not offered",
       switching("Sec-WebSocket-Extensions: x-webkit-deflate-frame\r\n")},
      {"a body length", switching("Content-Length: 5\r\n")},
      {"a body in chunks", switching("Transfer-Encoding: chunked\r\n")},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    OnePod scene({.upstream = kNoHelp});
    scene.client.send(
        handshake("Sec-WebSocket-Protocol: chat, superchat\r\n"
                  "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    auto pod = scene.backend.accept();
    (void)pod.read_head();
    pod.send(row.answer + from_pod("secret"));
    const auto answer = scene.client.read_answer();
    CHECK(answer.status == 502);
    CHECK(answer.body.find("secret") == std::string::npos);
    CHECK(tunnels(scene.gateway) == 0);
    CHECK_NOTHROW(pod.expect_end());
    // The client's connection is still HTTP.
    scene.client.send(get("/next"));
    auto next = scene.backend.answer_one(ok("next"));
    CHECK(scene.client.read_answer().body == "next");
  }
}

TEST_CASE("RFC 6455 4.1: a 101 within the offer is relayed as it is") {
  OnePod scene;
  scene.client.send(
      handshake("Sec-WebSocket-Protocol: chat, superchat\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
  auto pod = scene.backend.accept();
  (void)pod.read_head();
  pod.send(
      switching("Sec-WebSocket-Protocol: superchat\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\nX-Own: 1\r\n"));
  const auto answer = parse_answer_head(scene.client.read_head());
  CHECK(answer.status == 101);
  CHECK(answer.field("Upgrade") == "websocket");
  CHECK(answer.field("Connection") == "Upgrade");
  CHECK(answer.field("Sec-WebSocket-Accept") == kAccept);
  CHECK(answer.field("Sec-WebSocket-Protocol") == "superchat");
  CHECK(answer.field("Sec-WebSocket-Extensions") == "permessage-deflate; client_max_window_bits=10");
  CHECK(answer.field("X-Own") == "1");
  CHECK_FALSE(answer.has("Content-Length"));
  CHECK_FALSE(answer.has("Transfer-Encoding"));
}

TEST_CASE("RFC 9110 7.8: an answer other than 101 is an ordinary one, and the connection stays HTTP") {
  for (const int status : {200, 302, 400, 401, 403, 404, 426, 429, 500, 503}) {
    CAPTURE(status);
    OnePod scene({.upstream = kNoHelp});
    scene.client.send(handshake());
    auto pod = scene.backend.accept();
    (void)pod.read_head();
    pod.send("HTTP/1.1 " + std::to_string(status) + " Own\r\nX-Own: 1\r\nContent-Length: 4\r\n\r\nbody");
    const auto answer = scene.client.read_answer();
    CHECK(answer.status == status);
    CHECK(answer.field("X-Own") == "1");
    CHECK(answer.body == "body");
    pod.close();
    scene.client.send(get("/next"));
    auto next = scene.backend.answer_one(ok("next"));
    CHECK(scene.client.read_answer().body == "next");
    CHECK(tunnels(scene.gateway) == 0);
  }
}

TEST_CASE("RFC 9110 15.2: interim answers before the 101 are relayed, in the same segment too") {
  for (const bool split : {false, true}) {
    CAPTURE(split);
    OnePod scene;
    scene.client.send(handshake());
    auto pod = scene.backend.accept();
    (void)pod.read_head();
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    if (split) {
      pod.send(hints);
      CHECK(scene.client.read_head().starts_with("HTTP/1.1 103 "));
      pod.send(switching() + from_pod("first"));
    } else {
      pod.send(hints + switching() + from_pod("first"));
      CHECK(scene.client.read_head().starts_with("HTTP/1.1 103 "));
    }
    CHECK(scene.client.read_head().starts_with("HTTP/1.1 101 "));
    CHECK(read_frame(scene.client).payload == "first");
  }
}

TEST_CASE("a 101 that nobody asked for is a 502") {
  OnePod scene({.upstream = kNoHelp});
  scene.client.send(get());
  auto pod = scene.backend.answer_one(switching());
  CHECK(scene.client.read_answer().status == 502);
}

TEST_CASE("bytes behind the 101 belong to the client, however they are split") {
  const auto frames = from_pod("one") + from_pod(std::string(300, 'x'));
  const auto whole = switching() + frames;
  for (const std::size_t size : {whole.size(), std::size_t{1}, std::size_t{7}, switching().size() + 1}) {
    CAPTURE(size);
    OnePod scene;
    scene.client.send(handshake());
    auto pod = scene.backend.accept();
    (void)pod.read_head();
    pod.send_split(whole, size);
    CHECK(scene.client.read_head().starts_with("HTTP/1.1 101 "));
    scene.client.expect(frames);
    // A pod that answers and leaves at once is heard, too.
    pod.send(close_from_pod(4200));
    pod.close();
    expect_close(scene.client, 4200);
    CHECK(scene.client.expect_end() == StreamEnd::orderly);
  }
}

TEST_CASE("a handshake is tried at another pod until a byte of a 101 was relayed") {
  ScriptedBackend first;
  ScriptedBackend second;
  struct Row {
    const char* name;
    std::string answer;  // empty: the connection is closed
  };
  for (const auto& row : {Row{"closed", ""}, Row{"502", "HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n"},
                          Row{"503", "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"},
                          Row{"504", "HTTP/1.1 504 x\r\nContent-Length: 0\r\n\r\n"}}) {
    CAPTURE(row.name);
    GatewayFixture gateway(in_front_of({&first, &second}));
    RawClient client(gateway.port());
    client.send(handshake());
    wait_until("a try", [&] { return first.has_connection() || second.has_connection(); });
    auto& tried = first.has_connection() ? first : second;
    auto& other = &tried == &first ? second : first;
    {
      auto pod = tried.accept();
      (void)pod.read_head();
      if (!row.answer.empty()) pod.send(row.answer);
    }
    auto pod = other.accept();
    (void)pod.read_head();
    pod.send(switching());
    CHECK(client.read_head().starts_with("HTTP/1.1 101 "));
    CHECK(gateway.retries("pods") == 1);
  }
}
