// Feeds heads to `HeadParser` in every split and puts what came out into words.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"
#include "tests/wire/http/splits.hpp"
#include "wire/http/head_parser.hpp"

namespace tidegate::tests {

inline http::Progress parse(http::HeadParser& parser, std::string_view bytes, http::RequestHead& head) {
  return parser.parse_request(bytes, head);
}
inline http::Progress parse(http::HeadParser& parser, std::string_view bytes, http::ResponseHead& head) {
  return parser.parse_response(bytes, head);
}

inline std::string fields_of(const http::Fields& fields) {
  std::string words;
  for (const auto& field : fields) words.append("|").append(field.name).append("=").append(field.value);
  return words;
}

inline std::string_view word_of(http::Version version) {
  return version == http::Version::http_1_1 ? "1.1" : "1.0";
}

inline std::string words_of(const http::RequestHead& head) {
  return std::string(head.method) + " " + std::string(head.target) + " " +
         std::string(word_of(head.version)) + fields_of(head.fields);
}

inline std::string words_of(const http::ResponseHead& head) {
  return std::string(word_of(head.version)) + " " + std::to_string(head.status) + " " +
         std::string(head.reason) + fields_of(head.fields);
}

struct Parsed {
  http::Progress progress = http::Progress::incomplete;
  http::HeadError error = http::HeadError::none;
  std::size_t size = 0;
  std::string words;  // once complete
};

// Hands `text` over as `split` says; with `moving`, from a new place each time.
template <class Head>
Parsed feed(const Split& split, std::string_view text, const http::HeadLimits& limits, bool moving) {
  http::HeadParser parser(limits);
  Head head;
  Parsed parsed;
  std::size_t received = 0;
  std::string kept;
  for (const auto piece : split.pieces) {
    received += piece.size();
    std::string copy(text.substr(0, received));
    kept.swap(copy);  // the former buffer lives until here, so that the new one is elsewhere
    parsed.progress = parse(parser, moving ? std::string_view(kept) : text.substr(0, received), head);
    if (parsed.progress != http::Progress::incomplete) break;
  }
  parsed.error = parser.error();
  if (parsed.progress == http::Progress::complete) {
    parsed.size = head.size;
    parsed.words = words_of(head);
  }
  return parsed;
}

template <class Head>
void check_refused(std::string_view text, http::HeadError expected, const http::HeadLimits& limits = {}) {
  for (const auto& split : splits_of(text)) {
    for (const bool moving : {false, true}) {
      INFO(split.name << (moving ? ", moving" : ""));
      const auto parsed = feed<Head>(split, text, limits, moving);
      CHECK(parsed.progress == http::Progress::failed);
      CHECK(http::describe(parsed.error) == http::describe(expected));
    }
  }
}

// `after`: bytes behind the head, which must be left alone.
template <class Head>
void check_accepted(std::string_view text, std::string_view expected, const http::HeadLimits& limits = {},
                    std::string_view after = {}) {
  const auto stream = std::string(text).append(after);
  for (const auto& split : splits_of(stream)) {
    for (const bool moving : {false, true}) {
      INFO(split.name << (moving ? ", moving" : ""));
      const auto parsed = feed<Head>(split, stream, limits, moving);
      CHECK(http::describe(parsed.error) == http::describe(http::HeadError::none));
      CHECK(parsed.progress == http::Progress::complete);
      CHECK(parsed.words == expected);
      CHECK(parsed.size == text.size());
    }
  }
}

// Parses a head that is known to be valid; the text must outlive the result.
inline http::RequestHead request_of(std::string_view text) {
  http::HeadParser parser;
  http::RequestHead head;
  REQUIRE(parser.parse_request(text, head) == http::Progress::complete);
  return head;
}

inline http::ResponseHead response_of(std::string_view text) {
  http::HeadParser parser;
  http::ResponseHead head;
  REQUIRE(parser.parse_response(text, head) == http::Progress::complete);
  return head;
}

}  // namespace tidegate::tests
