// Requests: head, framing, target and body. Whatever is accepted and sent on parses again to the same request
// and nothing else, by the own parser and by a careless one, and so for each request of a pipeline.
#include "tests/fuzz/messages.hpp"
#include "tests/fuzz/target.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

constexpr http::HeadLimits kLimits{.underscores = http::Underscores::drop};

void check_fields(const http::Fields& sent, const http::Fields& received) {
  require(sent.count("host") == 1 && sent.count("x-forwarded-for") == 1 && sent.count("x-real-ip") == 1,
          "Host and the client's address stand there once");
  require(*sent.find("x-forwarded-for") == "192.0.2.1", "the client does not choose its address");
  require(sent.count("content-length") + sent.count("transfer-encoding") <= 1, "one framing field at most");
  require(sent.count("http2-settings") + sent.count("proxy-connection") + sent.count("keep-alive") == 0,
          "fields of one hop end here");
  auto next = received.begin();
  for (const auto& field : sent) {
    require(field.name.find('_') == std::string_view::npos, "no underscores");
    for (auto at = next; at != received.end(); ++at) {
      if (at->name != field.name || at->value != field.value) continue;
      next = at + 1;  // what is copied keeps its order
      break;
    }
  }
}

void check_forwarded(Hop& hop, const ReadBody& body, std::size_t run, bool replace_prefix) {
  const auto& received = hop.exchange().request;
  const auto& framing = hop.exchange().framing;
  const auto head_text = hop.request_head(replace_prefix);
  if (head_text.empty()) return;
  const auto sent = head_text + frame_body(body, framing.kind, run);

  http::HeadParser parser(http::HeadLimits{.head_bytes = 1 << 21, .target_bytes = 1 << 20, .fields = 200});
  http::RequestHead head;
  require(parser.parse_request(sent, head) == http::Progress::complete, "what is sent on is a head");
  require(head.size == head_text.size(), "and one head only");
  require(head.method == received.method && head.version == http::Version::http_1_1, "the same method");
  const auto target = http::parse_target(head.method, head.target);
  require(target.has_value(), "its target is valid");
  require(target->query == hop.exchange().target.query, "the same query");
  std::string path;
  require(http::normalise_path(target->path, path), "its path is valid");
  if (!replace_prefix) {
    require(target->path == hop.exchange().target.path, "the same path");
  } else if (target->form == http::TargetForm::origin) {
    require(path.starts_with("/other"), "a rewritten path does not leave its prefix");
  }
  check_fields(head.fields, received.fields);

  const auto again = http::request_framing(head);
  require(again.has_value() && again->kind == framing.kind && again->length == framing.length,
          "the same framing");
  const auto body_again = read_body(std::string_view(sent).substr(head.size), *again);
  require(body_again.whole && body_again.data == body.data && body_again.trailers == body.trailers,
          "the same body");
  require(head.size + body_again.consumed == sent.size(), "and nothing behind it");
  require(careless_size(sent, false) == sent.size(), "a careless server sees one request, too");
}

// Returns the bytes of the request, 0 if it is refused or incomplete.
std::size_t take_request(std::string_view input) {
  Hop hop;
  auto& request = hop.exchange().request;
  http::HeadParser parser(kLimits);
  const auto progress = parser.parse_request(input, request);
  check_splits(input, kLimits, {progress, parser.error(), request.size}, &http::HeadParser::parse_request);
  if (progress != http::Progress::complete || !hop.judge_request()) return 0;
  const auto body = read_body(input.substr(request.size), hop.exchange().framing);
  if (!body.whole) return 0;
  const auto run = 1 + body.data.size() / 3;
  check_forwarded(hop, body, run, false);
  check_forwarded(hop, body, run, true);
  return request.size + body.consumed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = text_of(data, size);
  for (int i = 0; i < 8 && !input.empty(); ++i) {
    const auto taken = take_request(input);
    if (taken == 0) break;
    input.remove_prefix(taken);
  }
  return 0;
}
