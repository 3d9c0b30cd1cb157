#include "wire/http/head_parser.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "wire/http/field_line.hpp"
#include "wire/http/start_line.hpp"
#include "wire/http/target.hpp"

namespace tidegate::http {

namespace {

// === what differs between requests and responses ===

// RFC 9112 2.2: a server ignores at least one empty line before the request line. One is enough: it is what
// old clients append to a POST.
constexpr bool may_skip_empty_line(const RequestHead& /*head*/) {
  return true;
}
constexpr bool may_skip_empty_line(const ResponseHead& /*head*/) {
  return false;
}

HeadError early_fault(std::string_view prefix, const HeadLimits& limits, const RequestHead& /*head*/) {
  return early_request_line_fault(prefix, limits.target_bytes);
}
HeadError early_fault(std::string_view prefix, const HeadLimits& /*limits*/, const ResponseHead& /*head*/) {
  return early_status_line_fault(prefix);
}

HeadError parse_start_line(std::string_view line, const HeadLimits& limits, RequestHead& head) {
  return parse_request_line(line, limits.target_bytes, head);
}
HeadError parse_start_line(std::string_view line, const HeadLimits& /*limits*/, ResponseHead& head) {
  return parse_status_line(line, head);
}

HeadError empty_start_line(const RequestHead& /*head*/) {
  return HeadError::bad_request_line;
}
HeadError empty_start_line(const ResponseHead& /*head*/) {
  return HeadError::bad_status_line;
}

constexpr bool needs_host(const RequestHead& head) {
  return head.version == Version::http_1_1;
}
constexpr bool needs_host(const ResponseHead& /*head*/) {
  return false;
}

}  // namespace

// === HeadParser ===

Progress HeadParser::parse_request(std::string_view bytes, RequestHead& head) {
  return parse(bytes, head);
}
Progress HeadParser::parse_response(std::string_view bytes, ResponseHead& head) {
  return parse(bytes, head);
}

Progress HeadParser::fail(HeadError error) {
  error_ = error;
  return Progress::failed;
}

template <class Head>
void HeadParser::restart(std::string_view bytes, Head& head) {
  reset();
  base_ = bytes.data();
  head.fields.clear();
  head.size = 0;
}

template <class Head>
Progress HeadParser::parse(std::string_view bytes, Head& head) {
  if (error_ != HeadError::none) return Progress::failed;
  if (bytes.empty()) return Progress::incomplete;
  if (done_ || bytes.data() != base_ || head.size != line_begin_) restart(bytes, head);

  while (true) {
    const auto end = std::max(scanned_, std::min(bytes.size(), limits_.head_bytes));
    const auto* const feed =
        static_cast<const char*>(std::memchr(bytes.data() + scanned_, '\n', end - scanned_));
    scanned_ = feed != nullptr ? static_cast<std::size_t>(feed - bytes.data()) + 1 : end;
    auto line = bytes.substr(line_begin_, scanned_ - line_begin_);
    if (!start_line_seen_) {
      const auto fault = early_fault(line, limits_, head);
      if (fault != HeadError::none) return fail(fault);
    }
    if (feed == nullptr) {
      if (scanned_ >= limits_.head_bytes) return fail(HeadError::head_too_large);
      return Progress::incomplete;
    }
    line.remove_suffix(1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    } else if (!limits_.accept_bare_line_feed) {
      return fail(HeadError::bare_line_feed);
    }
    head.size = line_begin_ = scanned_;
    const auto fault = judge_line(line, head);
    if (fault != HeadError::none) return fail(fault);
    if (done_) return Progress::complete;
  }
}

template <class Head>
HeadError HeadParser::judge_line(std::string_view line, Head& head) {
  if (!start_line_seen_) {
    if (line.empty()) {
      if (empty_line_skipped_ || !may_skip_empty_line(head)) return empty_start_line(head);
      empty_line_skipped_ = true;
      return HeadError::none;
    }
    start_line_seen_ = true;
    return parse_start_line(line, limits_, head);
  }
  if (line.empty()) {
    if (needs_host(head) && !host_seen_) return HeadError::missing_host;
    done_ = true;
    return HeadError::none;
  }
  if (head.fields.size() >= limits_.fields) return HeadError::too_many_fields;
  Field field;
  const auto fault = parse_field_line(line, field);
  if (fault != HeadError::none) return fault;
  if constexpr (std::is_same_v<Head, RequestHead>) {
    if (limits_.underscores != Underscores::pass && field.name.find('_') != std::string_view::npos)
      return limits_.underscores == Underscores::drop ? HeadError::none : HeadError::underscore_in_name;
  }
  head.fields.push_back(field);
  if (equals_ignoring_case(field.name, "connection")) return judge_connection(field.value);
  if constexpr (std::is_same_v<Head, RequestHead>) {
    if (equals_ignoring_case(field.name, "host")) return judge_host(field.value);
  }
  return HeadError::none;
}

// RFC 9112 3.2: a request with more than one Host line or an invalid one is answered with 400.
HeadError HeadParser::judge_host(std::string_view value) {
  if (host_seen_) return HeadError::repeated_host;
  host_seen_ = true;
  return is_valid_authority(value) ? HeadError::none : HeadError::bad_host;
}

// RFC 9110 7.6.1: an option may name a field that ends here, which makes dropping fields a product of two
// counts that the sender chooses.
HeadError HeadParser::judge_connection(std::string_view value) {
  for_each_member(value, [this](std::string_view) { return ++options_ <= most_connection_options; });
  return options_ <= most_connection_options ? HeadError::none : HeadError::too_many_options;
}

// === words and statuses ===

int status_of(HeadError error) {
  switch (error) {
    case HeadError::unsupported_version: return 505;
    case HeadError::target_too_long: return 414;
    case HeadError::head_too_large:
    case HeadError::too_many_fields: return 431;
    case HeadError::bad_status_line: return 502;
    default: return 400;
  }
}

std::string_view describe(HeadError error) {
  switch (error) {
    case HeadError::none: return "no error";
    case HeadError::bad_request_line: return "malformed request line";
    case HeadError::bad_method: return "the method is not a token";
    case HeadError::bad_target: return "invalid byte in the request target, or none at all";
    case HeadError::bad_version: return "malformed HTTP version";
    case HeadError::unsupported_version: return "unsupported HTTP version";
    case HeadError::bad_status_line: return "malformed status line";
    case HeadError::bare_line_feed: return "line ended by a bare line feed";
    case HeadError::bare_carriage_return: return "bare carriage return in the head";
    case HeadError::obsolete_folding: return "obsolete line folding in the header section";
    case HeadError::space_before_colon: return "white space before the colon of a field line";
    case HeadError::bad_field_name: return "invalid field name";
    case HeadError::underscore_in_name: return "underscore in a field name";
    case HeadError::bad_field_value: return "control byte in a field value";
    case HeadError::missing_colon: return "field line without a colon";
    case HeadError::target_too_long: return "request target too long";
    case HeadError::head_too_large: return "header section too large";
    case HeadError::too_many_fields: return "too many fields";
    case HeadError::too_many_options: return "too many options in Connection";
    case HeadError::missing_host: return "HTTP/1.1 request without Host";
    case HeadError::repeated_host: return "more than one Host";
    case HeadError::bad_host: return "invalid Host";
  }
  return "unknown error";
}

}  // namespace tidegate::http
