#include "wire/http/chunk_decoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "wire/http/characters.hpp"
#include "wire/http/field_line.hpp"

namespace tidegate::http {

namespace {

constexpr std::uint8_t most_size_digits = 16;
constexpr std::uint64_t largest_chunk = std::numeric_limits<std::int64_t>::max();
// One size line may carry this much extension; and over the whole body extensions may not outweigh the data
// by more than the second number, or a sender could make each byte of data cost a hundred.
constexpr std::uint32_t longest_extension = 1024;
constexpr std::uint32_t largest_excess = 16 * 1024;

// RFC 9110 6.5.1: fields that frame, route, authenticate or say how the content is to be read; by the time a
// trailer arrives these have been decided. A recipient may ignore such a field; the body is whole all the
// same.
constexpr std::array<std::string_view, 29> dropped_in_trailers = {"transfer-encoding",
                                                                  "content-length",
                                                                  "host",
                                                                  "connection",
                                                                  "keep-alive",
                                                                  "proxy-connection",
                                                                  "te",
                                                                  "trailer",
                                                                  "upgrade",
                                                                  "http2-settings",
                                                                  "authorization",
                                                                  "proxy-authorization",
                                                                  "cookie",
                                                                  "set-cookie",
                                                                  "www-authenticate",
                                                                  "content-encoding",
                                                                  "content-type",
                                                                  "content-range",
                                                                  "proxy-authenticate",
                                                                  "expect",
                                                                  "max-forwards",
                                                                  "cache-control",
                                                                  "forwarded",
                                                                  "x-real-ip",
                                                                  "client-cert",
                                                                  "client-cert-chain",
                                                                  "location",
                                                                  "via",
                                                                  "range"};
constexpr std::array<std::string_view, 2> dropped_prefixes = {"x-forwarded-", "sec-websocket-"};

bool may_be_trailer(std::string_view name) {
  const auto is_name = [name](std::string_view dropped) { return equals_as_variable(name, dropped); };
  const auto is_prefix = [name](std::string_view dropped) {
    return equals_as_variable(name.substr(0, dropped.size()), dropped);
  };
  return std::none_of(dropped_in_trailers.begin(), dropped_in_trailers.end(), is_name) &&
         std::none_of(dropped_prefixes.begin(), dropped_prefixes.end(), is_prefix);
}

}  // namespace

ChunkDecoder::Step ChunkDecoder::next(std::string_view input) {
  std::size_t used = 0;
  while (used < input.size() && error_ == ChunkError::none && state_ != State::done) {
    if (state_ == State::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - used));
      remaining_ -= size;
      if (remaining_ == 0) state_ = State::data_return;
      return {used + size, input.substr(used, size)};
    }
    used += state_ == State::trailer ? take_trailer(input.substr(used)) : take_size_line(input.substr(used));
  }
  return {used, {}};
}

std::size_t ChunkDecoder::take_size_line(std::string_view input) {
  std::size_t used = 0;
  while (used < input.size() && error_ == ChunkError::none && state_ != State::data &&
         state_ != State::trailer) {
    const char c = input[used++];
    switch (state_) {
      case State::first_size_digit:
      case State::size_digits: take_size_digit(c); break;
      case State::extension:
      case State::quoted:
      case State::quoted_pair: take_extension(c); break;
      case State::size_line_feed:
        if (c == '\n') {
          end_size_line();
        } else {
          fail(ChunkError::missing_crlf);
        }
        break;
      case State::data_return: expect('\r', c, State::data_line_feed); break;
      case State::data_line_feed: expect('\n', c, State::first_size_digit); break;
      case State::data:
      case State::trailer:
      case State::done: break;
    }
  }
  return used;
}

void ChunkDecoder::expect(char wanted, char c, State next) {
  if (c != wanted) return fail(ChunkError::missing_crlf);
  state_ = next;
}

void ChunkDecoder::take_size_digit(char c) {
  if (is_a(c, character::hex_digit)) {
    // The count is bounded too: zeros in front would otherwise be free and endless.
    if (size_digits_ == most_size_digits || remaining_ > largest_chunk >> 4)
      return fail(ChunkError::bad_size);
    remaining_ = remaining_ << 4 | hex_value(c);
    ++size_digits_;
    state_ = State::size_digits;
    return;
  }
  if (state_ == State::first_size_digit) return fail(ChunkError::bad_size);
  switch (c) {
    case '\r': state_ = State::size_line_feed; return;
    case '\n': return fail(ChunkError::missing_crlf);
    // "bad white space" before ';' (RFC 9112 7.1.1) is left out: nobody sends it, and parsers differ on it.
    case ';': state_ = State::extension; return;
    default: return fail(ChunkError::bad_size);
  }
}

void ChunkDecoder::take_extension(char c) {
  if (c == '\r' && state_ == State::extension) {
    state_ = State::size_line_feed;
    return;
  }
  if (!is_a(c, character::field_value)) return fail(ChunkError::bad_extension);
  if (++line_extension_ > longest_extension) return fail(ChunkError::extension_too_long);
  if (state_ == State::quoted_pair) {
    state_ = State::quoted;
  } else if (c == '"') {
    state_ = state_ == State::quoted ? State::extension : State::quoted;
  } else if (c == '\\' && state_ == State::quoted) {
    state_ = State::quoted_pair;
  }
}

void ChunkDecoder::end_size_line() {
  const auto paid = static_cast<std::uint32_t>(std::min<std::uint64_t>(remaining_, largest_excess));
  extension_excess_ += line_extension_;
  extension_excess_ -= std::min(extension_excess_, paid);
  if (extension_excess_ > largest_excess) return fail(ChunkError::extension_too_long);
  line_extension_ = 0;
  size_digits_ = 0;
  state_ = remaining_ == 0 ? State::trailer : State::data;
}

// === trailers ===

std::size_t ChunkDecoder::take_trailer(std::string_view input) {
  const auto feed = input.find('\n');
  const auto size = feed == std::string_view::npos ? input.size() : feed + 1;
  // The closing CRLF fits whatever the limit.
  if (trailers_.size() + size > trailer_limit_ + 2) {
    fail(ChunkError::trailer_too_large);
    return size;
  }
  trailers_.append(input.data(), size);
  if (feed != std::string_view::npos) judge_trailer_line();
  return size;
}

void ChunkDecoder::judge_trailer_line() {
  auto line = std::string_view(trailers_).substr(trailer_line_);
  line.remove_suffix(1);
  if (!line.ends_with('\r')) return fail(ChunkError::missing_crlf);
  line.remove_suffix(1);
  if (line.empty()) {
    trailers_.resize(trailer_line_);
    state_ = State::done;
    return;
  }
  Field field;
  if (parse_field_line(line, field) != HeadError::none) return fail(ChunkError::bad_trailer);
  const bool underscore = underscores_ != Underscores::pass && field.name.find('_') != std::string_view::npos;
  if (underscore && underscores_ == Underscores::refuse) return fail(ChunkError::bad_trailer);
  if (underscore || !may_be_trailer(field.name)) {
    trailer_limit_ -= std::min(trailer_limit_, trailers_.size() - trailer_line_);  // dropped, yet received
    trailers_.resize(trailer_line_);
    return;
  }
  trailer_line_ = trailers_.size();
}

// === words, and the other direction ===

std::string_view describe(ChunkError error) {
  switch (error) {
    case ChunkError::none: return "no error";
    case ChunkError::bad_size: return "invalid chunk size";
    case ChunkError::bad_extension: return "invalid chunk extension";
    case ChunkError::extension_too_long: return "chunk extensions too long";
    case ChunkError::missing_crlf: return "chunk line not ended by CRLF";
    case ChunkError::bad_trailer: return "invalid trailer field";
    case ChunkError::trailer_too_large: return "trailer section too large";
  }
  return "unknown error";
}

std::size_t write_chunk_header(char* out, std::uint64_t size) {
  std::size_t digits = 1;
  for (auto rest = size >> 4; rest != 0; rest >>= 4) ++digits;
  for (auto i = digits; i > 0; --i, size >>= 4) out[i - 1] = "0123456789abcdef"[size & 0xf];
  std::memcpy(out + digits, "\r\n", 2);
  return digits + 2;
}

}  // namespace tidegate::http
