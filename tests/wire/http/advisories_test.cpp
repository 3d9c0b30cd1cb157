// One test per published fault of another proxy that heads, framing or the handshake decide. Each opens with
// what happened there, and which rule it broke.
#include <array>
#include <string>

#include "tests/wire/http/head_parsing.hpp"
#include "wire/http/chunk_decoder.hpp"
#include "wire/http/head_writer.hpp"
#include "wire/http/hop_by_hop.hpp"
#include "wire/http/upgrade.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;

namespace {

std::string post(std::string_view fields, std::string_view line = "POST / HTTP/1.1") {
  return std::string(line).append("\r\nHost: a\r\n").append(fields).append("\r\n");
}

std::string_view framing_fault(const std::string& text) {
  const auto framing = request_framing(request_of(text));
  return framing.has_error() ? describe(framing.error()) : "none";
}

constexpr std::string_view handshake_fields =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

UpgradeAsk asked(const std::string& text) {
  const auto head = request_of(text);
  return upgrade_asked(head, *request_framing(head));
}

// Names of the fields that would be sent on.
std::string forwarded(const RequestHead& head) {
  const HopByHop hop(head.fields);
  std::string names;
  for (const auto& field : head.fields) {
    if (!hop.ends_here(field.name)) names.append(field.name).append(" ");
  }
  return names;
}

}  // namespace

TEST_CASE("CVE-2021-40346: a field name of more than 255 bytes does not become another field") {
  // HAProxy kept the length of a name in eight bits. A name that began with "Content-Length" and was 270
  // bytes long wrapped round to a Content-Length of zero, and the body was read as the next request (RFC
  // 9112 6.3).
  const auto text = post("Content-Length0" + std::string(255, 'a') + ":\r\nContent-Length: 23\r\n");
  const auto head = request_of(text);
  CHECK(head.fields.count("content-length") == 1);
  CHECK(head.fields.begin()[1].name.size() == 270);
  CHECK(request_framing(head)->length == 23);
}

TEST_CASE("CVE-2023-40225: an empty Content-Length is refused") {
  // HAProxy passed empty Content-Lengths on to servers, of which some took them for zero and the body for the
  // next request. RFC 9110 8.6 wants one digit at least.
  CHECK(framing_fault(post("Content-Length:\r\n")) == describe(FramingError::bad_content_length));
  CHECK(framing_fault(post("Content-Length: \t \r\n")) == describe(FramingError::bad_content_length));
  CHECK(framing_fault(post("Content-Length:\r\nContent-Length: 5\r\n")) ==
        describe(FramingError::bad_content_length));
  CHECK(framing_fault(post("Content-Length: 5, \r\n")) == describe(FramingError::bad_content_length));
}

TEST_CASE("CVE-2023-25725: an empty field name is refused, not taken for the end of the head") {
  // HAProxy dropped the fields that followed an empty name, Content-Length and Transfer-Encoding among them,
  // after it had judged them: what it sent on was framed differently. RFC 9112 5.1: a field name is a token.
  check_refused<RequestHead>("POST / HTTP/1.1\r\nHost: a\r\n: x\r\nContent-Length: 5\r\n\r\n",
                             HeadError::bad_field_name);
  check_refused<RequestHead>("POST / HTTP/1.1\r\nHost: a\r\n:\r\nTransfer-Encoding: chunked\r\n\r\n",
                             HeadError::bad_field_name);
}

TEST_CASE(
    "CVE-2026-2835: Transfer-Encoding in HTTP/1.0 or in several parts never makes a body that lasts until "
    "close") {
  // Pingora took requests in HTTP/1.0, or with Transfer-Encoding given as a list or twice, for bodies that
  // end with the connection, while the backend saw chunks. RFC 9112 6.3: a request's body never ends with the
  // connection.
  CHECK(framing_fault(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "POST / HTTP/1.0")) ==
        describe(FramingError::encoding_in_http_1_0));
  CHECK(framing_fault(post("Transfer-Encoding: identity, chunked\r\nContent-Length: 5\r\n")) != "none");
  CHECK(framing_fault(post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n")) != "none");
  CHECK(framing_fault(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) != "none");
  const auto without = post("Connection: close\r\n", "POST / HTTP/1.0");
  CHECK(request_framing(request_of(without))->kind == BodyKind::none);
}

TEST_CASE("CVE-2023-39326: extensions may not outweigh the data of a chunked body") {
  // Go's net/http read and discarded any amount of extensions: a body of single bytes, each chunk with a long
  // extension, made the receiver read many times what it handed on, past every limit on the body (RFC
  // 9112 7.1.1).
  std::string text;
  for (int i = 0; i < 100; ++i) text += "1;" + std::string(1000, 'x') + "\r\na\r\n";
  for (const auto& split : splits_of(text, 4)) {
    INFO(split.name);
    ChunkDecoder decoder;
    std::size_t consumed = 0;
    for (auto piece : split.pieces) {
      while (!piece.empty() && decoder.error() == ChunkError::none) {
        const auto step = decoder.next(piece);
        consumed += step.consumed;
        piece.remove_prefix(step.consumed);
      }
    }
    CHECK(decoder.error() == ChunkError::extension_too_long);
    CHECK(consumed < 20'000);
  }
}

TEST_CASE("CVE-2026-29057: framing does not depend on the method") {
  // A proxy library replaced the Transfer-Encoding of DELETE and OPTIONS by `Content-Length: 0`, yet sent the
  // body: the backend read it as a request. RFC 9112 6: the presence of a body is signalled by the framing
  // fields alone.
  for (const std::string method : {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "X-OWN"}) {
    CAPTURE(method);
    const auto chunked = post("Transfer-Encoding: chunked\r\n", method + " / HTTP/1.1");
    CHECK(request_framing(request_of(chunked))->kind == BodyKind::chunked);
    const auto sized = post("Content-Length: 5\r\n", method + " / HTTP/1.1");
    CHECK(request_framing(request_of(sized))->length == 5);
  }
}

TEST_CASE("CVE-2026-2833: a request to upgrade is none without the whole handshake") {
  // Pingora switched to raw bytes as soon as it saw an Upgrade field, whatever protocol it named and before
  // the answer: bytes behind the head passed unjudged. RFC 9110 7.8: the protocol changes with the 101, not
  // with the wish.
  CHECK(asked(post("Upgrade: foo\r\n", "GET / HTTP/1.1")) == UpgradeAsk::none);
  CHECK(asked(post("Connection: Upgrade\r\nUpgrade: foo\r\n", "GET / HTTP/1.1")) == UpgradeAsk::other);
  CHECK(asked(post("Connection: Upgrade\r\nUpgrade: websocket\r\n", "GET / HTTP/1.1")) ==
        UpgradeAsk::bad_websocket);
}

TEST_CASE("CVE-2024-23326: an answer other than a valid 101 does not switch") {
  // Envoy went over to a tunnel although the upstream had not switched. RFC 6455 4.1: the 101 names Upgrade,
  // Connection and the right Accept, or the connection is failed.
  const auto request =
      post(std::string(handshake_fields) + "Sec-WebSocket-Version: 13\r\n", "GET / HTTP/1.1");
  const auto bare = response_of("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  CHECK(check_switch(request_of(request), bare) != SwitchFault::none);
  const auto foreign = response_of(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
  CHECK(check_switch(request_of(request), foreign) == SwitchFault::bad_accept);
}

TEST_CASE("WebSocket smuggling: a handshake with a wrong version is answered with 426 and is no tunnel") {
  // A client sent `Sec-WebSocket-Version: 777`; the backend answered 426, the proxy did not look and left the
  // connection open as a tunnel to the backend (RFC 6455 4.2.2 and 4.4).
  CHECK(asked(post(std::string(handshake_fields) + "Sec-WebSocket-Version: 777\r\n", "GET / HTTP/1.1")) ==
        UpgradeAsk::bad_version);
}

TEST_CASE("CVE-2026-88008: h2c is not sent on, be it spread over several fields") {
  // A proxy that passes `Upgrade: h2c` and HTTP2-Settings opens a channel to the backend that it cannot read;
  // looking at the first field of a name only, it missed the second. RFC 9110 7.6.1 and 7.8: both end at this
  // hop.
  const auto text = post(
      "Connection: keep-alive\r\nConnection: Upgrade\r\nConnection: HTTP2-Settings\r\nUpgrade: "
      "foo\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nHTTP2-Settings: AAA\r\n",
      "GET / HTTP/1.1");
  CHECK(asked(text) == UpgradeAsk::other);
  CHECK(forwarded(request_of(text)) == "Host ");
}

TEST_CASE("CVE-2026-58055: a request to upgrade that has a body is refused") {
  // nghttpx sent an upgrade with Content-Length and body on to kept connections; a backend that ignores the
  // body of an upgrade takes it for the next request, and answers get crossed (RFC 9110 7.8).
  const auto handshake = std::string(handshake_fields) + "Sec-WebSocket-Version: 13\r\n";
  CHECK(asked(post(handshake + "Content-Length: 30\r\n", "GET / HTTP/1.1")) == UpgradeAsk::bad_websocket);
  CHECK(asked(post(handshake + "Transfer-Encoding: chunked\r\n", "GET / HTTP/1.1")) ==
        UpgradeAsk::bad_websocket);
  CHECK(asked(post(handshake, "GET / HTTP/1.1")) == UpgradeAsk::websocket);
}

TEST_CASE("nominated fields end at this hop on an upgrade too, framing and Host never by nomination") {
  // Proxies that copied the head of an upgrade as it was passed on what `Connection` named, and others
  // dropped Content-Length or the client's address because `Connection` named them (RFC 9110 7.6.1).
  const auto text = post(
      "Connection: Upgrade, X-Own, Host, Content-Length, X-Forwarded-For\r\nUpgrade: websocket\r\nX-Own: "
      "1\r\n"
      "X-Forwarded-For: 1.2.3.4\r\nContent-Length: 0\r\n",
      "GET / HTTP/1.1");
  CHECK(forwarded(request_of(text)) == "Host X-Forwarded-For Content-Length ");
}

TEST_CASE("a malformed framing field is refused, not dropped in silence") {
  // Several parsers skipped a field line that they could not read; the party behind read it, as a length
  // (RFC 9112 5.1 and 6.3).
  check_refused<RequestHead>(post("Content-Length : 5\r\n"), HeadError::space_before_colon);
  check_refused<RequestHead>(post("Content-Length\x0b: 5\r\n"), HeadError::bad_field_name);
  check_refused<RequestHead>(post("Transfer-Encoding\r\n : chunked\r\n"), HeadError::missing_colon);
  check_refused<RequestHead>(post("Transfer-Encoding: chunked\x0b\r\n"), HeadError::bad_field_value);
  check_refused<RequestHead>(post("X: y\rTransfer-Encoding: chunked\r\n"), HeadError::bare_carriage_return);
}

TEST_CASE("an upstream's malformed framing is an error, not a guess") {
  // A bad length from upstream that is overlooked leaves bytes in the connection, which become the answer to
  // the next client (RFC 9112 6.3).
  for (const std::string fields : {"Content-Length: 5x\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
                                   "Transfer-Encoding: chunked, x\r\n", "Content-Length: -1\r\n"}) {
    CAPTURE(fields);
    const auto text = "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
    CHECK(response_framing(response_of(text), false).has_error());
    CHECK(response_framing(response_of(text), true).has_error());
  }
}

TEST_CASE("a 1xx in the same segment before the 101 is no error") {
  // Proxies that took the first head for the answer failed the handshake, or tunnelled the second head
  // (RFC 9110 15.2: any number of 1xx may come before the final status).
  const std::string stream =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: "
      "Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x01x";
  HeadParser parser;
  ResponseHead head;
  REQUIRE(parser.parse_response(stream, head) == Progress::complete);
  CHECK(head.status == 103);
  CHECK(response_framing(head, false)->kind == BodyKind::none);
  const auto rest = std::string_view(stream).substr(head.size);
  parser.reset();
  REQUIRE(parser.parse_response(rest, head) == Progress::complete);
  CHECK(head.status == 101);
  const auto request =
      post(std::string(handshake_fields) + "Sec-WebSocket-Version: 13\r\n", "GET / HTTP/1.1");
  CHECK(check_switch(request_of(request), head) == SwitchFault::none);
  CHECK(rest.substr(head.size) == "\x81\x01x");
}
