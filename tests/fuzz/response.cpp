// Answers of a pod: heads, framing and bodies. The first byte says to what: `H` to HEAD, `0` to an HTTP/1.0
// client, `W` to a WebSocket handshake, anything else to GET. Whatever is relayed parses again to the same
// answer, by the own parser and by a careless one.
#include "tests/fuzz/messages.hpp"
#include "tests/fuzz/target.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

constexpr http::HeadLimits kLimits{64 * 1024, 0, 1000, false};

std::string request_for(char kind) {
  if (kind == 'H') return "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
  if (kind == '0') return "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
  if (kind == 'W')
    return "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
           "13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n"
           "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
  return "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
}

// Parses what goes to the client; the head must be all of `text`.
http::ResponseHead parse_sent(const std::string& text, int status) {
  http::HeadParser parser(http::HeadLimits{1 << 21, 0, 2000, false});
  http::ResponseHead head;
  require(parser.parse_response(text, head) == http::Progress::complete, "what is relayed is a head");
  require(head.size == text.size(), "and one head only");
  require(head.status == status, "the same status");
  require(head.fields.count("content-length") + head.fields.count("transfer-encoding") <= 1,
          "one framing field at most");
  return head;
}

void check_switch(Hop& hop) {
  auto& exchange = hop.exchange();
  const auto& request = exchange.request;
  if (exchange.upgrade != http::UpgradeAsk::websocket) return;
  if (http::check_switch(request, exchange.response) != http::SwitchFault::none) return;
  const auto text = hop.written([](gateway::Exchange& e) { return write_switch(e, {}); });
  if (text.empty()) return;
  const auto head = parse_sent(text, 101);
  require(http::check_switch(request, head) == http::SwitchFault::none, "a relayed switch is a valid one");
  require(head.fields.count("content-length") + head.fields.count("transfer-encoding") == 0,
          "without a body");
}

void check_final(Hop& hop, std::string_view rest) {
  auto& exchange = hop.exchange();
  const bool to_head = exchange.request.method == "HEAD";
  const auto framing = http::response_framing(exchange.response, to_head);
  if (!framing) return;
  exchange.response_framing = *framing;
  const auto body = read_body(rest, *framing);
  const auto towards = client_framing(exchange, true);
  const auto text = hop.written([&](gateway::Exchange& e) { return write_response(e, towards, {}); });
  if (text.empty()) return;
  const auto head = parse_sent(text, exchange.response.status);
  require(http::wants_keep_alive(exchange.request.version, head.fields) == towards.keep_alive,
          "the client knows whether the connection goes on");
  const auto again = http::response_framing(head, to_head);
  require(again.has_value() && again->kind == towards.kind, "the same framing");
  if (!body.whole) return;
  const auto sent = text + frame_body(body, towards.kind, 1 + body.data.size() / 3);
  const auto body_again = read_body(std::string_view(sent).substr(head.size), *again);
  require(body_again.whole && body_again.data == body.data, "the same body");
  require(towards.kind != http::BodyKind::chunked || body_again.trailers == body.trailers,
          "the same trailers");
  require(head.size + body_again.consumed == sent.size(), "and nothing behind it");
  if (towards.kind != http::BodyKind::until_close)
    require(careless_size(sent, towards.kind == http::BodyKind::none) == sent.size(),
            "a careless client sees one answer, too");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = text_of(data, size);
  if (input.empty()) return 0;
  Hop hop;
  auto& exchange = hop.exchange();
  const auto request = request_for(input.front());
  input.remove_prefix(1);
  require(http::HeadParser().parse_request(request, exchange.request) == http::Progress::complete,
          "own request");
  require(hop.judge_request(), "own request");

  for (int i = 0; i < 8; ++i) {
    http::HeadParser parser(kLimits);
    const auto progress = parser.parse_response(input, exchange.response);
    check_splits(input, kLimits, {progress, parser.error(), exchange.response.size},
                 &http::HeadParser::parse_response);
    if (progress != http::Progress::complete) return 0;
    const auto rest = input.substr(exchange.response.size);
    if (exchange.response.status == 101) {
      check_switch(hop);
      return 0;
    }
    if (exchange.response.status >= 200) {
      check_final(hop, rest);
      return 0;
    }
    const auto text = hop.written([](gateway::Exchange& e) { return write_interim(e); });
    if (!text.empty()) (void)parse_sent(text, exchange.response.status);
    input = rest;
  }
  return 0;
}
