// Decoder of the chunked transfer coding (RFC 9112 7.1): CRLF only, sizes overflow-checked, extensions
// discarded and bounded, trailers collected and bounded. Never copies: body bytes are reported as ranges of
// the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/http/head.hpp"

namespace tidegate::http {

enum class ChunkError {
  none,
  bad_size,       // not 1*HEXDIG, or above 2^63
  bad_extension,  // control bytes, or CR/LF where they do not end the line
  extension_too_long,
  missing_crlf,  // chunk data not followed by CRLF, or a bare LF
  bad_trailer,   // not a valid field line
  trailer_too_large,
};

[[nodiscard]] std::string_view describe(ChunkError error);

class ChunkDecoder {
 public:
  explicit ChunkDecoder(std::size_t trailer_bytes = 8 * 1024, Underscores underscores = Underscores::pass)
      : trailer_limit_(trailer_bytes), underscores_(underscores) {}

  struct Step {
    std::size_t consumed = 0;  // bytes of the input used by this step
    std::string_view data;     // body bytes (a part of the input), possibly empty
  };

  // Consumes a prefix of `input`: either coding bytes, or coding bytes followed by one run of data. Call
  // again with the rest until `consumed` is 0 (more input is needed), `done()` or `error()`.
  [[nodiscard]] Step next(std::string_view input);

  [[nodiscard]] bool done() const { return state_ == State::done; }
  [[nodiscard]] ChunkError error() const { return error_; }
  // The trailer section's field lines, CRLF after each, without the closing blank line; valid once `done()`.
  // Fields that frame, route or authenticate are dropped (RFC 9110 6.5.1), and count in the bound.
  [[nodiscard]] const std::string& trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t {
    first_size_digit,
    size_digits,
    extension,       // from the first ';' to the CR
    quoted,          // inside a quoted-string of an extension
    quoted_pair,     // after a backslash in it
    size_line_feed,  // the CR was seen
    data,
    data_return,  // all of a chunk's data was seen
    data_line_feed,
    trailer,
    done,
  };

  // Each consumes a prefix of `input` and returns its size.
  std::size_t take_size_line(std::string_view input);
  std::size_t take_trailer(std::string_view input);
  // One byte each.
  void take_size_digit(char c);
  void take_extension(char c);
  void end_size_line();
  void expect(char wanted, char c, State next);
  void judge_trailer_line();
  void fail(ChunkError error) { error_ = error; }

  std::size_t trailer_limit_;         // what is left of it, less `trailers_`
  std::uint64_t remaining_ = 0;       // of the chunk: its size while that is read, then its data not yet seen
  std::uint32_t line_extension_ = 0;  // bytes of extension in this size line
  std::uint32_t extension_excess_ = 0;  // bytes of extension not yet outweighed by data
  std::size_t trailer_line_ = 0;        // where the current line begins in `trailers_`
  std::string trailers_;
  ChunkError error_ = ChunkError::none;
  State state_ = State::first_size_digit;
  std::uint8_t size_digits_ = 0;
  Underscores underscores_;
};

// Writes `size` as the line that opens a chunk ("1a2b\r\n") into `out` (at least 18 bytes) and returns its
// length.
std::size_t write_chunk_header(char* out, std::uint64_t size);

}  // namespace tidegate::http
