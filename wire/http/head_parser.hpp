// Strict parsing of HTTP/1 heads (RFC 9112 2–5). Pure: bytes in, a head or a reason out; the caller reads
// more and calls again. tidegate parses heads itself, because each raw byte must be judged anyway
// (Boost.Beast 1.81 accepts obs-fold, a missing Host and more), and a second parser after that judgement
// would decide nothing.
#pragma once

#include <cstddef>
#include <string_view>

#include "wire/http/head.hpp"

namespace tidegate::http {

struct HeadLimits {
  std::size_t head_bytes = 32 * 1024;
  std::size_t target_bytes = 16 * 1024;
  std::size_t fields = 100;
  bool accept_bare_line_feed = false;           // RFC 9112 2.2 allows it; refused by default
  Underscores underscores = Underscores::pass;  // requests only; a dropped field is bounded by `head_bytes`
};

// Why a head was refused; `status_of` gives the answer's status for a request (a response is always 502).
enum class HeadError {
  none,
  bad_request_line,      // 400
  bad_method,            // 400: not a token
  bad_target,            // 400: white space, control or empty
  bad_version,           // 400: not HTTP/x.y; 505 in spirit, but 400 closes the argument
  unsupported_version,   // 505: well-formed, but not 1.0 or 1.1
  bad_status_line,       // responses
  bare_line_feed,        // 400
  bare_carriage_return,  // 400
  obsolete_folding,      // 400 (5.2)
  space_before_colon,    // 400 (5.1)
  bad_field_name,        // 400: empty or not a token
  underscore_in_name,    // 400, where `HeadLimits::underscores` says so
  bad_field_value,       // 400: NUL, CR, LF or another control (9110 5.5)
  missing_colon,         // 400
  target_too_long,       // 414
  head_too_large,        // 431
  too_many_fields,       // 431
  too_many_options,      // 400: of the connection, see `most_connection_options`
  missing_host,          // 400: HTTP/1.1 without Host (3.2)
  repeated_host,         // 400
  bad_host,              // 400: not a valid uri-host [":" port]
};

[[nodiscard]] int status_of(HeadError error);
// A short phrase for logs and bodies, e.g. "obsolete line folding in the header section".
[[nodiscard]] std::string_view describe(HeadError error);

enum class Progress { incomplete, complete, failed };

// Judges a head line by line as the lines arrive; the first fault is reported as soon as it is seen, and it
// is the same one however the bytes were split. One parser serves one head; `reset` starts the next.
class HeadParser {
 public:
  explicit HeadParser(const HeadLimits& limits = {}) : limits_(limits) {}

  void reset() { *this = HeadParser(limits_); }

  // `bytes` is all that was received of this head so far, from its first byte on; bytes seen in earlier calls
  // are not scanned again, provided that `head` is the same one and the buffer did not move (else its views
  // would dangle, and the head is read anew). On `complete`, `head.size` bytes belong to the head and the
  // rest to what follows; until then `head` is not to be read.
  [[nodiscard]] Progress parse_request(std::string_view bytes, RequestHead& head);
  [[nodiscard]] Progress parse_response(std::string_view bytes, ResponseHead& head);

  [[nodiscard]] HeadError error() const { return error_; }

 private:
  template <class Head>
  Progress parse(std::string_view bytes, Head& head);
  template <class Head>
  HeadError judge_line(std::string_view line, Head& head);
  HeadError judge_host(std::string_view value);
  HeadError judge_connection(std::string_view value);
  template <class Head>
  void restart(std::string_view bytes, Head& head);
  Progress fail(HeadError error);

  HeadLimits limits_;
  const char* base_ = nullptr;  // where the head began at the last call
  std::size_t scanned_ = 0;     // bytes already searched for a line end
  std::size_t line_begin_ = 0;  // of the line not yet complete; also left in `head.size` to know it again
  std::size_t options_ = 0;     // members of the Connection fields so far
  HeadError error_ = HeadError::none;
  bool start_line_seen_ = false;
  bool empty_line_skipped_ = false;
  bool host_seen_ = false;
  bool done_ = false;
};

}  // namespace tidegate::http
