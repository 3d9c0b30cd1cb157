#include "gateway/observe/timestamp.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace tidegate::gateway {

namespace {

using std::chrono::duration_cast;
using std::chrono::floor;

// English whatever the locale: strftime's %b is not.
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string time_local(std::time_t second) {
  std::tm local{};
  localtime_r(&second, &local);
  const auto minutes = local.tm_gmtoff / 60;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%02d/%s/%d:%02d:%02d:%02d %c%02ld%02ld", local.tm_mday,
                months[static_cast<std::size_t>(local.tm_mon)], local.tm_year + 1900, local.tm_hour,
                local.tm_min, local.tm_sec, minutes < 0 ? '-' : '+', std::labs(minutes) / 60,
                std::labs(minutes) % 60);
  return text.data();
}

}  // namespace

void append_time_local(std::string& out, std::chrono::system_clock::time_point at) {
  thread_local std::time_t last_second = -1;
  thread_local std::string last_text;
  const auto second = std::chrono::system_clock::to_time_t(floor<std::chrono::seconds>(at));
  if (second != last_second || last_text.empty()) {
    last_text = time_local(second);
    last_second = second;
  }
  out += last_text;
}

void append_rfc3339(std::string& out, std::chrono::system_clock::time_point at) {
  const auto second = floor<std::chrono::seconds>(at);
  const auto millis = static_cast<int>(duration_cast<std::chrono::milliseconds>(at - second).count());
  const auto seconds = std::chrono::system_clock::to_time_t(second);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  out.append(text.data(), size);
  std::snprintf(text.data(), text.size(), ".%03dZ", millis);
  out += text.data();
}

void append_seconds(std::string& out, std::chrono::microseconds duration) {
  const auto millis = duration_cast<std::chrono::milliseconds>(duration).count();
  if (millis < 0) {
    out += "0.000";
    return;
  }
  std::array<char, 32> text{};
  const auto size = std::snprintf(text.data(), text.size(), "%lld.%03d",
                                  static_cast<long long>(millis / 1000), static_cast<int>(millis % 1000));
  out.append(text.data(), static_cast<std::size_t>(size));
}

}  // namespace tidegate::gateway
