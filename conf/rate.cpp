#include "conf/rate.hpp"

#include <array>
#include <string>

namespace tidegate::conf {

namespace {

struct Unit {
  std::string_view name;
  std::chrono::nanoseconds time;
};

constexpr std::array<Unit, 4> units{{
    {"s", std::chrono::seconds(1)},
    {"m", std::chrono::minutes(1)},
    {"h", std::chrono::hours(1)},
    {"d", std::chrono::hours(24)},
}};

constexpr std::chrono::nanoseconds shortest = std::chrono::microseconds(1);

Unreadable fault(std::string_view text) {
  return {"expected a rate such as `10/s`, `600/m`, `100/h` or `50/d`, found " + quote(text)};
}

}  // namespace

Parsed<std::chrono::nanoseconds> parse_rate(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return fault(text);
  auto digits = text.substr(0, slash);
  if (digits.ends_with('r')) digits.remove_suffix(1);
  const auto count = parse_integer(digits);
  if (!count) return fault(text);
  if (*count == 0) {
    return Unreadable{"a rate of 0 would let nobody in: found " + quote(text) +
                      "; leave the key out for no limit"};
  }
  for (const auto& unit : units) {
    if (text.substr(slash + 1) != unit.name) continue;
    const auto most = static_cast<std::uint64_t>(unit.time / shortest);
    if (*count > most) {
      return Unreadable{"the rate " + quote(text) +
                        " is too high: at most 1000000/s; leave the key out for "
                        "no limit"};
    }
    return std::chrono::nanoseconds(unit.time.count() / static_cast<std::int64_t>(*count));
  }
  return fault(text);
}

}  // namespace tidegate::conf
