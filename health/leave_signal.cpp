#include "health/leave_signal.hpp"

namespace tidegate::health {
namespace {

// Not for a time that is not set: that is the clock's beginning, long ago.
bool is_recent(LeaveSignal::TimePoint at, LeaveSignal::TimePoint now) {
  return at != LeaveSignal::TimePoint{} && now - at <= LeaveSignal::window;
}

}  // namespace

bool speaks_of_leaving(std::uint16_t close_code) {
  return close_code == 1012 || close_code == 1013 || (close_code >= 4200 && close_code < 4300);
}

bool speaks_of_silence(std::uint16_t close_code) {
  return close_code == 4201 || close_code == 4202;
}

std::string_view name_of(LeaveSign sign) {
  switch (sign) {
    case LeaveSign::clients: return "clients";
    case LeaveSign::newcomers: return "newcomers";
    case LeaveSign::losses: return "losses";
  }
  return "unknown";
}

std::string describe(LeaveSign sign, std::uint16_t close_code) {
  const auto code = std::to_string(close_code);
  switch (sign) {
    case LeaveSign::clients: return "sent Close " + code + " to 2 clients within 1 s";
    case LeaveSign::newcomers: return "sent Close " + code + " to 3 new WebSockets within 1 s";
    case LeaveSign::losses: return "closed the connections of 2 clients within 1 s and answered nobody";
  }
  return {};
}

std::optional<LeaveSign> LeaveSignal::count(const LeavingClose& close, TimePoint now) {
  std::optional<LeaveSign> sign;
  if (!close.newcomer && speaks_of_silence(close.code)) return sign;
  if (close.client != 0) {
    if (close.client != client_ && is_recent(told_, now)) sign = LeaveSign::clients;
    client_ = close.client;
    told_ = now;
  }
  if (close.newcomer) {
    if (is_recent(newcomers_[1], now) && !sign) sign = LeaveSign::newcomers;
    newcomers_ = {now, newcomers_[0]};
  }
  if (sign == LeaveSign::clients) *this = {};
  if (sign == LeaveSign::newcomers) newcomers_ = {};
  return sign;
}

std::optional<LeaveSign> LeaveSignal::count_loss(std::uint64_t client, TimePoint last_answer, TimePoint now) {
  if (client == 0) return std::nullopt;
  if (client != loser_ && is_recent(lost_, now) && last_answer < lost_) {
    *this = {};
    return LeaveSign::losses;
  }
  loser_ = client;
  lost_ = now;
  return std::nullopt;
}

bool LeaveSignal::is_over(TimePoint now) const {
  return !is_recent(told_, now) && !is_recent(newcomers_[0], now) && !is_recent(lost_, now);
}

}  // namespace tidegate::health
