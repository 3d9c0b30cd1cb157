// Chunked bodies. The outcome does not depend on how the bytes arrive, what is decoded is bounded by what
// came, and framed anew it decodes to the same, for a careless reader too.
#include "tests/fuzz/messages.hpp"
#include "tests/fuzz/target.hpp"
#include "wire/http/chunk_decoder.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

constexpr std::size_t kTrailers = 256;

struct Decoded {
  http::ChunkError error = http::ChunkError::none;
  ReadBody body;
};

Decoded decode(std::string_view input, std::size_t piece) {
  Decoded decoded;
  http::ChunkDecoder decoder(kTrailers, http::Underscores::drop);
  for (std::size_t at = 0; at < input.size() && !decoder.done(); at += piece) {
    for (auto part = input.substr(at, piece); !part.empty();) {
      const auto step = decoder.next(part);
      require(step.consumed <= part.size() && step.data.size() <= step.consumed,
              "steps lie within the input");
      if (step.consumed == 0) break;
      decoded.body.data += step.data;
      decoded.body.consumed += step.consumed;
      part.remove_prefix(step.consumed);
    }
    if (decoder.error() != http::ChunkError::none) break;
  }
  decoded.error = decoder.error();
  decoded.body.whole = decoder.done();
  if (decoder.done()) decoded.body.trailers = decoder.trailers();
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = text_of(data, size);
  const auto whole = decode(input, input.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, input.size() / 3 + 1}) {
    const auto split = decode(input, piece);
    require(split.error == whole.error && split.body.whole == whole.body.whole,
            "a split changes the outcome");
    if (whole.error != http::ChunkError::none) continue;
    require(split.body.data == whole.body.data && split.body.trailers == whole.body.trailers,
            "a split changes the body");
    require(split.body.consumed == whole.body.consumed, "a split changes the size");
  }
  if (!whole.body.whole) return 0;
  require(whole.body.trailers.size() <= kTrailers, "trailers are bounded");
  require(whole.body.trailers.find('_') == std::string::npos ||
              whole.body.trailers.find('_') > whole.body.trailers.find(':'),
          "no underscores");
  const auto sent = frame_body(whole.body, http::BodyKind::chunked, 1 + size / 4);
  const auto again = decode(sent, sent.size());
  require(again.body.whole && again.body.consumed == sent.size(), "what is framed anew is one body");
  require(again.body.data == whole.body.data && again.body.trailers == whole.body.trailers, "the same body");
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  require(careless_size(head + sent, false) == head.size() + sent.size(),
          "a careless reader sees the same end");
  return 0;
}
