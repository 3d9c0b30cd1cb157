// Messages as the gateway sends them on, and two readers of them: its own parser, and one that is as careless
// as a server can be. Where both see the same messages, nobody can be made to see others.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/exchange/exchange.hpp"
#include "gateway/exchange/response_writer.hpp"
#include "tests/fuzz/target.hpp"
#include "wire/http/framing.hpp"
#include "wire/http/head_parser.hpp"

namespace tidegate::fuzz {

// How the parser has read a head that came at once.
struct HeadOutcome {
  http::Progress progress;
  http::HeadError error;
  std::size_t size;
};
// The outcome does not depend on how the bytes arrive.
template <class Head>
void check_splits(std::string_view input, const http::HeadLimits& limits, const HeadOutcome& whole,
                  http::Progress (http::HeadParser::*parse)(std::string_view, Head&)) {
  http::HeadParser parser(limits);
  Head head;
  const auto step = input.size() / 24 + 1;
  auto progress = http::Progress::incomplete;
  for (std::size_t end = step; progress == http::Progress::incomplete; end += step) {
    progress = (parser.*parse)(input.substr(0, end), head);
    if (end >= input.size()) break;
  }
  require(progress == whole.progress && parser.error() == whole.error, "a split changes the outcome");
  require(whole.progress != http::Progress::complete || head.size == whole.size, "a split changes the size");
}

// The body of a message at the front of some bytes.
struct ReadBody {
  bool whole = false;
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
};
[[nodiscard]] ReadBody read_body(std::string_view bytes, const http::Framing& framing);

// The body in this framing, in runs of at most `run` bytes.
[[nodiscard]] std::string frame_body(const ReadBody& body, http::BodyKind kind, std::size_t run);

// One exchange by hand, with everything its writers look at: a route to everything without rules, no trusted
// proxies, a client at 192.0.2.1.
class Hop {
 public:
  Hop();
  [[nodiscard]] gateway::Exchange& exchange() { return exchange_; }
  // Judges `exchange.request` as the gateway does before it forwards; false: it would be refused.
  [[nodiscard]] bool judge_request();
  // The head that goes to the pod. `replace_prefix`: by a route that puts `/other` in the place of `/`.
  [[nodiscard]] std::string request_head(bool replace_prefix);
  // What `write` has put into `exchange.out`; empty if it did not fit.
  template <class Write>
  [[nodiscard]] std::string written(Write&& write) {
    exchange_.out = buffers_.take();
    std::string text;
    if (write(exchange_)) text = exchange_.out.text();
    exchange_.out.release();
    return text;
  }

 private:
  net::BufferPool buffers_;
  gateway::CompiledRoute route_;
  upstream::Endpoint endpoint_;
  gateway::Exchange exchange_;
};

// How long the message at the front of `bytes` is to a reader that takes CR, LF and both for a line's end,
// `_` for `-` in names, any value with `chunked` in it for chunks, and the last Content-Length. `bodiless`:
// the message has no body whatever its head says.
[[nodiscard]] std::size_t careless_size(std::string_view bytes, bool bodiless);

}  // namespace tidegate::fuzz
