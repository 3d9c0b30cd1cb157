// Writes heads into a fixed buffer: no allocation, overflow is a value. Names and values must already be
// valid; in debug builds that is asserted, so that response splitting by a rule's value cannot happen unseen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "wire/http/head.hpp"

namespace tidegate::http {

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> out) : out_(out) {}

  void request_line(std::string_view method, std::string_view target);  // always HTTP/1.1
  void status_line(Version version, int status, std::string_view reason);
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::uint64_t value);
  // A field whose value is built of pieces: begin, append..., end.
  void begin_field(std::string_view name);
  void append(std::string_view text);
  void end_field();
  void raw(std::string_view text);  // text that is already in wire form (trailers)
  void end();                       // the blank line

  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] std::string_view text() const { return {out_.data(), size_}; }

 private:
  char* claim(std::size_t size);  // room for `size` more bytes, or nullptr once it does not fit
  void put(std::string_view text);

  std::span<char> out_;
  std::size_t size_ = 0;
  bool overflowed_ = false;
};

// The standard reason phrase (RFC 9110 15, RFC 6585), or "" for an unknown status.
[[nodiscard]] std::string_view reason_phrase(int status);

// An RFC 9110 IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT") of a Unix time in seconds; `out` has 29 bytes at
// least.
std::string_view write_date(std::span<char, 29> out, std::int64_t unix_seconds);

}  // namespace tidegate::http
