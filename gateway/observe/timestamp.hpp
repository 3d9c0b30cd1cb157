// Points of time as text. Pure apart from the time zone of the process.
#pragma once

#include <chrono>
#include <string>

namespace tidegate::gateway {

// nginx's $time_local: `01/May/2024:10:00:00 +0200`. Remembers the last second per thread, as it costs a
// localtime.
void append_time_local(std::string& out, std::chrono::system_clock::time_point at);
// RFC 3339 in UTC with milliseconds: `2024-05-01T08:00:00.123Z`.
void append_rfc3339(std::string& out, std::chrono::system_clock::time_point at);
// Seconds with milliseconds, as nginx writes $request_time: `0.012`.
void append_seconds(std::string& out, std::chrono::microseconds duration);

}  // namespace tidegate::gateway
