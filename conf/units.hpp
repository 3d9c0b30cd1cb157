// Durations and sizes as they are written in configurations, pure in both directions. The error of every
// parser is a sentence for the reader of the file: what was found and what to write instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "conf/config.hpp"

namespace tidegate::conf {

// Why a text was not taken.
struct Unreadable {
  std::string why;
};

template <class T>
using Parsed = boost::system::result<T, Unreadable>;

// `250ms`, `10s`, `5m`, `1h`, `1d`, or several with the units falling: `1h30m`. A bare number is an error
// that asks for a unit (people mean seconds and milliseconds about equally often), except 0, which is the
// same in each.
[[nodiscard]] Parsed<Duration> parse_duration(std::string_view text);

// The shortest spelling `parse_duration` reads back: `1h30m`, `250ms`, `0s`.
[[nodiscard]] std::string duration_text(Duration value);

// Bytes: `4096`, or with `k`, `m`, `g` (powers of 1024, in either case, as in nginx).
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);

// The shortest spelling `parse_size` reads back: `32k`, `1000`.
[[nodiscard]] std::string size_text(std::uint64_t bytes);

// A decimal whole number without sign.
[[nodiscard]] Parsed<std::uint64_t> parse_integer(std::string_view text);

// `text` in backquotes, cut to a length a message can bear and with control characters shown as `?`.
// Not called `quoted`: std::quoted would be found too, and newer headers bring it along.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace tidegate::conf
