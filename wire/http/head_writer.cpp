#include "wire/http/head_writer.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <cstring>

#include "wire/http/characters.hpp"

namespace tidegate::http {

// === HeadWriter ===

char* HeadWriter::claim(std::size_t size) {
  if (overflowed_ || out_.size() - size_ < size) {
    overflowed_ = true;  // and stays so: a head with a gap must never look whole
    return nullptr;
  }
  char* const place = out_.data() + size_;
  size_ += size;
  return place;
}

void HeadWriter::put(std::string_view text) {
  if (char* const place = claim(text.size()); place != nullptr && !text.empty()) {
    std::memcpy(place, text.data(), text.size());
  }
}

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  assert(is_token(method));
  assert(!target.empty() && all_are(target, character::visible));
  put(method);
  put(" ");
  put(target);
  put(" HTTP/1.1\r\n");
}

void HeadWriter::status_line(Version version, int status, std::string_view reason) {
  assert(status >= 100 && status <= 599);
  assert(is_field_value(reason));
  put(version == Version::http_1_1 ? "HTTP/1.1 " : "HTTP/1.0 ");
  const std::array<char, 4> digits = {static_cast<char>('0' + status / 100),
                                      static_cast<char>('0' + status / 10 % 10),
                                      static_cast<char>('0' + status % 10), ' '};
  put({digits.data(), digits.size()});
  put(reason);
  put("\r\n");
}

void HeadWriter::field(std::string_view name, std::string_view value) {
  assert(is_token(name) && is_field_value(value));
  // One claim for the whole line: fields are what a head mostly consists of.
  char* place = claim(name.size() + value.size() + 4);
  if (place == nullptr) return;
  std::memcpy(place, name.data(), name.size());
  place += name.size();
  std::memcpy(place, ": ", 2);
  place += 2;
  if (!value.empty()) std::memcpy(place, value.data(), value.size());
  std::memcpy(place + value.size(), "\r\n", 2);
}

void HeadWriter::field(std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  field(name, std::string_view(digits.data(), static_cast<std::size_t>(written.ptr - digits.data())));
}

void HeadWriter::begin_field(std::string_view name) {
  assert(is_token(name));
  put(name);
  put(": ");
}

void HeadWriter::append(std::string_view text) {
  assert(is_field_value(text));
  put(text);
}

void HeadWriter::end_field() {
  put("\r\n");
}

void HeadWriter::raw(std::string_view text) {
  put(text);
}

void HeadWriter::end() {
  put("\r\n");
}

// === dates ===

// The civil date of a day number: days_from_civil inverted, after H. Hinnant, "chrono-compatible low-level
// date algorithms". `gmtime` would do, but takes a lock on the time zone.
std::string_view write_date(std::span<char, 29> out, std::int64_t unix_seconds) {
  constexpr std::int64_t seconds_per_day = 86400;
  auto day = unix_seconds / seconds_per_day;
  auto second = unix_seconds % seconds_per_day;
  if (second < 0) {
    second += seconds_per_day;
    --day;
  }
  const auto shifted = day + 719468;  // counted from 0000-03-01
  const auto era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const auto day_of_era = shifted - era * 146097;
  const auto year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto month_from_march = (5 * day_of_year + 2) / 153;
  const auto day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const auto month = month_from_march < 10 ? month_from_march + 2 : month_from_march - 10;  // 0 is January
  const auto year = year_of_era + era * 400 + (month < 2 ? 1 : 0);
  const auto weekday = ((day + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday

  constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::memcpy(out.data(), "Www, dd Mmm yyyy hh:mm:ss GMT", 29);
  const auto put_two = [&out](std::size_t at, std::int64_t value) {
    out[at] = static_cast<char>('0' + value / 10 % 10);
    out[at + 1] = static_cast<char>('0' + value % 10);
  };
  std::memcpy(out.data(), weekdays.data() + weekday * 3, 3);
  put_two(5, day_of_month);
  std::memcpy(out.data() + 8, months.data() + month * 3, 3);
  put_two(12, year / 100);
  put_two(14, year % 100);
  put_two(17, second / 3600);
  put_two(20, second / 60 % 60);
  put_two(23, second % 60);
  return {out.data(), out.size()};
}

// === reason phrases ===

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 511: return "Network Authentication Required";
    default: return "";
  }
}

}  // namespace tidegate::http
