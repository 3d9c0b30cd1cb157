// Counts what the data path takes from the heap: nothing, once the first head has sized the list of fields.
#include <array>

#include "tests/support/allocations.hpp"
#include "tests/wire/http/head_parsing.hpp"
#include "wire/http/chunk_decoder.hpp"
#include "wire/http/framing.hpp"
#include "wire/http/head_writer.hpp"
#include "wire/http/hop_by_hop.hpp"
#include "wire/http/target.hpp"

using namespace tidegate::http;
using namespace tidegate::test;

TEST_CASE("the count of allocations can fail") {
  count_on_this_thread();
  start_counting();
  const std::string text(1000, 'x');
  const auto count = stop_counting();
  CHECK(text.size() == 1000);
  CHECK(count > 0);
}

TEST_CASE("a keep-alive request costs no allocation from its second head on") {
  constexpr std::string_view request =
      "GET /app/key?protocol=7 HTTP/1.1\r\nHost: socket.example.com\r\nUser-Agent: test\r\nAccept: */*\r\n"
      "Connection: keep-alive, X-Own\r\nX-Own: 1\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a=b\r\nhello\r\n0\r\n\r\n";
  constexpr std::string_view response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\n\r\n";
  HeadParser request_parser;
  HeadParser response_parser;
  RequestHead head;
  ResponseHead answer;
  std::string path;
  path.reserve(64);
  std::array<char, 1024> out{};
  std::size_t written = 0;
  bool all_well = true;

  const auto serve = [&] {
    request_parser.reset();
    response_parser.reset();
    for (std::size_t size = 1; size <= request.size(); ++size) {
      if (request_parser.parse_request(request.substr(0, size), head) == Progress::complete) break;
    }
    const auto framing = request_framing(head);
    const auto target = parse_target(head.method, head.target);
    all_well = all_well && framing.has_value() && target.has_value() && normalise_path(target->path, path);
    const HopByHop hop(head.fields);
    HeadWriter writer(out);
    writer.request_line(head.method, head.target);
    for (const auto& field : head.fields) {
      if (!hop.ends_here(field.name)) writer.field(field.name, field.value);
    }
    writer.end();
    written = writer.text().size();
    ChunkDecoder decoder;
    auto body = request.substr(head.size);
    while (!decoder.done() && decoder.error() == ChunkError::none)
      body.remove_prefix(decoder.next(body).consumed);
    all_well = all_well && decoder.done() && !accepts_trailers(answer.fields);
    all_well = all_well && response_parser.parse_response(response, answer) == Progress::complete;
    all_well = all_well && response_framing(answer, false).has_value();
  };

  serve();
  count_on_this_thread();
  start_counting();
  for (int i = 0; i < 100; ++i) serve();
  const auto count = stop_counting();
  CHECK(count == 0);
  CHECK(all_well);
  CHECK(written == 93);
}
