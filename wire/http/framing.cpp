#include "wire/http/framing.hpp"

#include <limits>

#include "wire/http/characters.hpp"

namespace tidegate::http {

namespace {

using boost::system::result;

// What the framing fields of one head say before the rules are applied.
struct Stated {
  bool has_length = false;
  bool has_encoding = false;
  std::uint64_t length = 0;
};

constexpr std::uint64_t longest = std::numeric_limits<std::int64_t>::max();

// 1*DIGIT, at most 2^63-1: no sign, no blanks, no empty value. Parties that read one of these differently are
// how requests are smuggled, so nothing is repaired.
bool parse_length(std::string_view digits, std::uint64_t& length) {
  if (digits.empty()) return false;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (!is_a(c, character::digit)) return false;
    const auto next = static_cast<std::uint64_t>(c - '0');
    if (value > (longest - next) / 10) return false;
    value = value * 10 + next;
  }
  length = value;
  return true;
}

// Calls `visit` for each member of a comma-separated list, the empty ones too, until it returns false.
template <class Visitor>
void for_each_raw_member(std::string_view list, Visitor&& visit) {
  while (true) {
    const auto comma = list.find(',');
    if (!visit(trim(list.substr(0, comma))) || comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

// RFC 9110 8.6: a list of equal values is what a merged repetition looks like, and may be collapsed.
result<void, FramingError> add_length(std::string_view value, Stated& stated) {
  result<void, FramingError> outcome;
  for_each_raw_member(value, [&](std::string_view member) {
    std::uint64_t length = 0;
    if (!parse_length(member, length)) {
      outcome = FramingError::bad_content_length;
    } else if (stated.has_length && stated.length != length) {
      outcome = FramingError::differing_content_lengths;
    }
    stated.has_length = true;
    stated.length = length;
    return outcome.has_value();
  });
  return outcome;
}

bool is_known_coding(std::string_view coding) {
  for (const std::string_view known : {"gzip", "deflate", "compress", "identity", "x-gzip", "x-compress"}) {
    if (equals_ignoring_case(coding, known)) return true;
  }
  return false;
}

// Exactly `chunked`. A list of other known codings, `chunked` at its end or not, is understood but not
// offered.
result<void, FramingError> judge_encoding(std::string_view value) {
  if (equals_ignoring_case(value, "chunked")) return {};
  bool understood = true;
  bool ended = false;  // nothing may follow `chunked`
  for_each_raw_member(value, [&](std::string_view member) {
    const bool chunked = equals_ignoring_case(member, "chunked");
    understood = !ended && (chunked || is_known_coding(member));
    ended = chunked;
    return understood;
  });
  return understood ? FramingError::unsupported_coding : FramingError::bad_transfer_encoding;
}

result<Stated, FramingError> read_fields(Version version, const Fields& fields) {
  Stated stated;
  for (const auto& field : fields) {
    if (equals_ignoring_case(field.name, "content-length")) {
      const auto outcome = add_length(field.value, stated);
      if (outcome.has_error()) return outcome.error();
    } else if (equals_ignoring_case(field.name, "transfer-encoding")) {
      // RFC 9112 6.1: HTTP/1.0 does not know it; whoever sends it there is broken or means harm.
      if (version == Version::http_1_0) return FramingError::encoding_in_http_1_0;
      if (stated.has_encoding) return FramingError::bad_transfer_encoding;
      const auto outcome = judge_encoding(field.value);
      if (outcome.has_error()) return outcome.error();
      stated.has_encoding = true;
    }
  }
  return stated;
}

}  // namespace

result<Framing, FramingError> request_framing(const RequestHead& head) {
  const auto stated = read_fields(head.version, head.fields);
  if (stated.has_error()) return stated.error();
  // RFC 9112 6.1 would allow to process it with Transfer-Encoding winning; refusing leaves nothing to
  // disagree on.
  if (stated->has_length && stated->has_encoding) return FramingError::both_length_and_encoding;
  Framing framing;
  framing.reusable = wants_keep_alive(head.version, head.fields);
  if (stated->has_encoding) {
    framing.kind = BodyKind::chunked;
  } else if (stated->has_length) {
    framing.kind = BodyKind::length;
    framing.length = stated->length;
  }
  return framing;
}

result<Framing, FramingError> response_framing(const ResponseHead& head, bool to_head_request) {
  const auto stated = read_fields(head.version, head.fields);
  if (stated.has_error()) return stated.error();
  Framing framing;
  framing.reusable = wants_keep_alive(head.version, head.fields);
  if (stated->has_length && stated->has_encoding) {
    framing.drop_content_length = true;
    framing.reusable = false;
  }
  const bool never_has_length = head.status < 200 || head.status == 204;
  if (never_has_length) {
    // RFC 9110 8.6 and RFC 9112 6.1 forbid both fields here. A sender that states a body may well send one,
    // so the connection is not trusted any further.
    framing.drop_content_length = stated->has_length;
    if (stated->has_encoding || stated->length > 0) framing.reusable = false;
    return framing;
  }
  if (head.status == 304 || to_head_request) return framing;
  if (stated->has_encoding) {
    framing.kind = BodyKind::chunked;
  } else if (stated->has_length) {
    framing.kind = BodyKind::length;
    framing.length = stated->length;
  } else {
    framing.kind = BodyKind::until_close;
    framing.reusable = false;
  }
  return framing;
}

bool wants_keep_alive(Version version, const Fields& fields) {
  if (fields.has_token("connection", "close")) return false;
  return version == Version::http_1_1 || fields.has_token("connection", "keep-alive");
}

int status_of(FramingError error) {
  return error == FramingError::unsupported_coding ? 501 : 400;
}

std::string_view describe(FramingError error) {
  switch (error) {
    case FramingError::both_length_and_encoding: return "Content-Length together with Transfer-Encoding";
    case FramingError::bad_content_length: return "invalid Content-Length";
    case FramingError::differing_content_lengths: return "differing Content-Lengths";
    case FramingError::bad_transfer_encoding: return "Transfer-Encoding is not exactly one `chunked`";
    case FramingError::unsupported_coding: return "unsupported transfer coding";
    case FramingError::encoding_in_http_1_0: return "Transfer-Encoding in HTTP/1.0";
  }
  return "unknown error";
}

}  // namespace tidegate::http
