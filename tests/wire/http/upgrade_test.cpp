#include "wire/http/upgrade.hpp"

#include <string>

#include "tests/wire/http/head_parsing.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;

namespace {

constexpr std::string_view upgrade_fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
constexpr std::string_view key_field = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
constexpr std::string_view version_field = "Sec-WebSocket-Version: 13\r\n";
constexpr std::string_view accept_field = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

std::string handshake(std::string_view fields, std::string_view request_line = "GET /chat HTTP/1.1") {
  return std::string(request_line).append("\r\nHost: a\r\n").append(fields).append("\r\n");
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text.append(part);
  return text;
}

UpgradeAsk asked(const std::string& text) {
  const auto head = request_of(text);
  const auto framing = request_framing(head);
  REQUIRE(framing.has_value());
  return upgrade_asked(head, *framing);
}

std::string fault_of(const std::string& text) {
  const auto head = request_of(text);
  return std::string(handshake_fault(head, *request_framing(head)));
}

// The judgement of a 101 with these fields, to a handshake with those.
std::string_view switched(std::string_view response_fields, std::string_view request_fields = {}) {
  const auto request = handshake(concat({upgrade_fields, key_field, version_field, request_fields}));
  const auto response = concat({"HTTP/1.1 101 Switching Protocols\r\n", response_fields, "\r\n"});
  return describe(check_switch(request_of(request), response_of(response)));
}

const std::string valid = concat({upgrade_fields, key_field, version_field});
const std::string valid_switch = concat({upgrade_fields, accept_field});

}  // namespace

TEST_CASE("RFC 6455 4.1: a valid handshake asks for websocket") {
  CHECK(asked(handshake(valid)) == UpgradeAsk::websocket);
  CHECK(fault_of(handshake(valid)).empty());
  CHECK(asked(handshake(concat({"connection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n", key_field,
                                version_field}))) == UpgradeAsk::websocket);
  CHECK(
      asked(handshake(concat({"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
                              key_field, version_field}))) == UpgradeAsk::websocket);
  CHECK(asked(handshake(valid + "Content-Length: 0\r\n")) == UpgradeAsk::websocket);
}

TEST_CASE(
    "RFC 9110 7.8: without both Upgrade and its connection option, or in HTTP/1.0, a request is plain HTTP") {
  CHECK(asked(handshake("")) == UpgradeAsk::none);
  CHECK(asked(handshake(concat({"Upgrade: websocket\r\n", key_field, version_field}))) == UpgradeAsk::none);
  CHECK(asked(handshake(concat({"Connection: Upgrade\r\n", key_field, version_field}))) == UpgradeAsk::none);
  CHECK(asked(handshake(concat({"Connection: upgraded\r\nUpgrade: websocket\r\n", key_field,
                                version_field}))) == UpgradeAsk::none);
  CHECK(asked(handshake(valid, "GET /chat HTTP/1.0")) == UpgradeAsk::none);
}

TEST_CASE("RFC 9110 7.8: other protocols are told apart") {
  CHECK(asked(handshake("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n")) ==
        UpgradeAsk::other);
  CHECK(asked(handshake("Connection: upgrade\r\nUpgrade: TLS/1.0\r\n")) == UpgradeAsk::other);
  CHECK(asked(handshake(concat({"Connection: upgrade\r\nUpgrade: websocket2\r\n", key_field,
                                version_field}))) == UpgradeAsk::other);
}

TEST_CASE("RFC 6455 4.2.1: an invalid handshake is refused") {
  struct Row {
    const char* name;
    std::string text;
  };
  const Row rows[] = {
      {"not a GET", handshake(valid, "POST /chat HTTP/1.1")},
      {"with a length", handshake(valid + "Content-Length: 5\r\n")},
      {"with chunks", handshake(valid + "Transfer-Encoding: chunked\r\n")},
      {"no key", handshake(concat({upgrade_fields, version_field}))},
      {"two keys", handshake(concat({valid, key_field}))},
      {"empty key", handshake(concat({upgrade_fields, version_field, "Sec-WebSocket-Key:\r\n"}))},
      {"short key",
       handshake(concat({upgrade_fields, version_field, "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n"}))},
      {"18 bytes",
       handshake(concat({upgrade_fields, version_field, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXh4\r\n"}))},
      {"not base64",
       handshake(concat({upgrade_fields, version_field, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n"}))},
      {"no version", handshake(concat({upgrade_fields, key_field}))},
      {"two versions", handshake(concat({valid, version_field}))},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    CHECK(asked(row.text) == UpgradeAsk::bad_websocket);
    CHECK_FALSE(fault_of(row.text).empty());
  }
}

TEST_CASE("RFC 6455 4.4: another version than 13 is answered with 426") {
  for (const std::string version : {"8", "14", "13, 8", "013", ""}) {
    CAPTURE(version);
    const auto text =
        handshake(concat({upgrade_fields, key_field, "Sec-WebSocket-Version: ", version, "\r\n"}));
    CHECK(asked(text) == UpgradeAsk::bad_version);
  }
}

TEST_CASE("RFC 6455 1.3: the accept value of the example key") {
  const auto accept = accept_of("dGhlIHNhbXBsZSBub25jZQ==");
  CHECK(std::string_view(accept.data(), accept.size()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("RFC 6455 4.1: a valid 101 switches") {
  CHECK(switched(valid_switch) == "no fault");
  CHECK(switched(concat({"connection: keep-alive, upgrade\r\nupgrade: WEBSOCKET\r\n", accept_field})) ==
        "no fault");
}

TEST_CASE("RFC 6455 4.1: a 101 without the right Upgrade, Connection or Accept does not switch") {
  constexpr std::string_view bad_upgrade = "Upgrade of the 101 is not `websocket`";
  constexpr std::string_view bad_accept = "Sec-WebSocket-Accept is missing or wrong";
  CHECK(switched(concat({"Connection: Upgrade\r\n", accept_field})) == bad_upgrade);
  CHECK(switched(concat({"Connection: Upgrade\r\nUpgrade: h2c\r\n", accept_field})) == bad_upgrade);
  CHECK(switched(concat({"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", accept_field})) ==
        bad_upgrade);
  CHECK(switched(concat({valid_switch, "Upgrade: websocket\r\n"})) == bad_upgrade);
  CHECK(switched(concat({"Upgrade: websocket\r\n", accept_field})) ==
        "Connection of the 101 lacks `upgrade`");
  CHECK(switched(concat({"Connection: close\r\nUpgrade: websocket\r\n", accept_field})) ==
        "Connection of the 101 lacks `upgrade`");
  CHECK(switched(upgrade_fields) == bad_accept);
  CHECK(switched(concat({upgrade_fields, "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n"})) ==
        bad_accept);
  CHECK(switched(concat({upgrade_fields, "Sec-WebSocket-Accept:\r\n"})) == bad_accept);
  CHECK(switched(concat({valid_switch, accept_field})) == bad_accept);
}

TEST_CASE("RFC 6455 4.1: a 101 names a subprotocol only if it was offered") {
  const auto choose = [](std::string_view chosen) { return concat({valid_switch, chosen}); };
  constexpr std::string_view fault = "the subprotocol was not offered";
  constexpr std::string_view offer = "Sec-WebSocket-Protocol: chat, soap\r\nSec-WebSocket-Protocol: mqtt\r\n";
  CHECK(switched(choose("Sec-WebSocket-Protocol: soap\r\n"), offer) == "no fault");
  CHECK(switched(choose("Sec-WebSocket-Protocol: mqtt\r\n"), offer) == "no fault");
  CHECK(switched(valid_switch, offer) == "no fault");
  CHECK(switched(choose("Sec-WebSocket-Protocol: SOAP\r\n"), offer) == fault);
  CHECK(switched(choose("Sec-WebSocket-Protocol: soap, chat\r\n"), offer) == fault);
  CHECK(switched(choose("Sec-WebSocket-Protocol: soap\r\nSec-WebSocket-Protocol: chat\r\n"), offer) == fault);
  CHECK(switched(choose("Sec-WebSocket-Protocol:\r\n"), offer) == fault);
  CHECK(switched(choose("Sec-WebSocket-Protocol: chat\r\n")) == fault);
}

TEST_CASE("RFC 6455 9.1: a 101 names extensions only within the offer") {
  const auto choose = [](std::string_view chosen) { return concat({valid_switch, chosen}); };
  constexpr std::string_view fault = "an extension was not offered, or there are too many";
  constexpr std::string_view offer =
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-own;p=\"a,b\"\r\n";
  CHECK(switched(choose("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"),
                 offer) == "no fault");
  CHECK(
      switched(choose("Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: x-own\r\n"),
               offer) == "no fault");
  CHECK(switched(choose("Sec-WebSocket-Extensions: b\r\n"), offer) == fault);
  CHECK(switched(choose("Sec-WebSocket-Extensions: permessage-deflate, x-other\r\n"), offer) == fault);
  CHECK(switched(choose("Sec-WebSocket-Extensions: permessage-deflate\r\n")) == fault);
}

// Each extension of a 101 was compared with each of the offer: two heads of 28 KB stopped a worker for
// seconds.
TEST_CASE("extensions are compared within bounds: 16 of a 101 with 64 of an offer") {
  const auto list = [](std::size_t size, const std::string& last) {
    std::string field = "Sec-WebSocket-Extensions: ";
    for (std::size_t i = 1; i < size; ++i) field += "a,";
    return field + last + "\r\n";
  };
  const auto verdict = [&](std::size_t accepted, std::size_t offered) {
    return switched(valid_switch + list(accepted, "b"), list(1, "a") + list(offered - 1, "b"));
  };
  CHECK(verdict(16, 64) == "no fault");
  CHECK(verdict(17, 64) == describe(SwitchFault::bad_extension));
  CHECK(verdict(16, 65) == describe(SwitchFault::bad_extension));
}

TEST_CASE("RFC 9110 8.6: a 101 that states a body does not switch") {
  CHECK(switched(valid_switch + "Content-Length: 5\r\n") == "the 101 states a body");
  CHECK(switched(valid_switch + "Transfer-Encoding: chunked\r\n") == "the 101 states a body");
}
