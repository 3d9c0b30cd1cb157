#include "conf/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace tidegate::conf {

namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t milliseconds;
};

// Longest first: the order in which `duration_text` writes and `parse_duration` wants them.
constexpr std::array duration_units{
    DurationUnit{"d", 86'400'000}, DurationUnit{"h", 3'600'000}, DurationUnit{"m", 60'000},
    DurationUnit{"s", 1'000},      DurationUnit{"ms", 1},
};

// Far beyond every range that is asked for, and its milliseconds still fit in 64 bits.
constexpr std::uint64_t largest_count = 1'000'000'000;

struct SizeUnit {
  char name;
  unsigned shift;
};
constexpr std::array size_units{SizeUnit{'g', 30}, SizeUnit{'m', 20}, SizeUnit{'k', 10}};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string duration_fault(std::string_view text) {
  return "expected a duration such as `250ms`, `10s`, `5m` or `1h30m`, found " + quote(text);
}

std::string size_fault(std::string_view text) {
  return "expected a size such as `4096`, `64k`, `1m` or `1g`, found " + quote(text);
}

// Takes the leading digits off `text`.
std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

std::optional<std::size_t> unit_index(std::string_view name) {
  for (std::size_t i = 0; i < duration_units.size(); ++i) {
    if (duration_units[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string out = "`";
  for (const char c : text.substr(0, longest)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out.push_back(control ? '?' : c);
  }
  if (text.size() > longest) out += "...";
  return out + "`";
}

Parsed<std::uint64_t> parse_integer(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code == std::errc::invalid_argument || end != text.data() + text.size()) {
    return Unreadable{"expected a whole number, found " + quote(text)};
  }
  if (code == std::errc::result_out_of_range)
    return Unreadable{"the number " + quote(text) + " is too large"};
  return value;
}

Parsed<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  std::string_view rest = text;
  do {
    const auto count = parse_integer(take_digits(rest));
    if (!count && rest.size() == text.size()) return Unreadable{duration_fault(text)};
    if (!count || *count > largest_count) return Unreadable{"the duration " + quote(text) + " is too long"};
    std::size_t length = 0;
    while (length < rest.size() && !is_digit(rest[length])) ++length;
    if (length == 0) {
      return Unreadable{"a duration needs a unit: write `" + std::to_string(*count) + "s` for seconds or `" +
                        std::to_string(*count) + "ms` for milliseconds"};
    }
    const auto unit = unit_index(rest.substr(0, length));
    if (!unit || *unit < next_unit) return Unreadable{duration_fault(text)};
    next_unit = *unit + 1;
    total += static_cast<std::int64_t>(*count) * duration_units[*unit].milliseconds;
    rest.remove_prefix(length);
  } while (!rest.empty());
  return Duration(total);
}

std::string duration_text(Duration value) {
  if (value.count() == 0) return "0s";
  std::string out;
  std::int64_t rest = value.count();
  for (const auto& unit : duration_units) {
    const std::int64_t count = rest / unit.milliseconds;
    if (count == 0) continue;
    out += std::to_string(count);
    out += unit.name;
    rest %= unit.milliseconds;
  }
  return out;
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::string_view digits = take_digits(rest);
  if (digits.empty() || rest.size() > 1) return Unreadable{size_fault(text)};
  const auto count = parse_integer(digits);
  if (!count) return Unreadable{"the size " + quote(text) + " is too large"};
  if (rest.empty()) return *count;
  for (const auto& unit : size_units) {
    if ((rest[0] | 0x20) != unit.name) continue;
    if (*count > (std::numeric_limits<std::uint64_t>::max() >> unit.shift)) {
      return Unreadable{"the size " + quote(text) + " is too large"};
    }
    return *count << unit.shift;
  }
  return Unreadable{size_fault(text)};
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& unit : size_units) {
    const std::uint64_t one = std::uint64_t{1} << unit.shift;
    if (bytes >= one && bytes % one == 0) return std::to_string(bytes >> unit.shift) + unit.name;
  }
  return std::to_string(bytes);
}

}  // namespace tidegate::conf
