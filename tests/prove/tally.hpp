// What the clients saw, counted; and the judgement on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/error_code.hpp>

namespace tidegate::prove {

// Why a handshake brought no answer.
enum class NoAnswer { refused, reset, eof, timeout, other };
[[nodiscard]] std::string_view text(NoAnswer kind);
[[nodiscard]] NoAnswer classify(const boost::system::error_code& error);

// How an open socket failed.
enum class Loss {
  no_close_frame,   // the connection ended without one: a browser's 1006
  no_greeting,      // the pod's first message did not come in time
  no_echo,          // a message was not echoed in time, and the socket stayed open
  wrong_echo,       // something else came than was sent
  no_close_answer,  // our Close was not answered, or the connection not ended, in time
};
[[nodiscard]] std::string_view text(Loss loss);

struct Tally {
  std::uint64_t open = 0;                      // sockets now
  std::uint64_t handshakes = 0;                // ended, in whatever way
  std::uint64_t switched = 0;                  // with 101
  std::map<unsigned, std::uint64_t> statuses;  // with another status
  std::map<NoAnswer, std::uint64_t> unanswered;
  std::vector<std::chrono::microseconds> times;  // from connect to 101
  std::uint64_t sent = 0;
  std::uint64_t echoed = 0;
  std::uint64_t cut_short = 0;                    // messages whose echo a proper Close forestalled
  std::map<std::uint16_t, std::uint64_t> closes;  // begun by the other side, by code
  std::uint64_t turned_away = 0;                  // of these, before the pod's greeting
  std::uint64_t closed_by_us = 0;                 // and answered
  std::map<Loss, std::uint64_t> losses;
  std::vector<std::string> samples;  // the first failures, told one by one

  [[nodiscard]] std::uint64_t failed_handshakes() const { return handshakes - switched; }
  [[nodiscard]] std::uint64_t lost_sockets() const;
  // Whether every handshake got 101, and every message its echo or a proper Close.
  [[nodiscard]] bool flawless() const;
  // The time that `share` (0 to 1) of the successful handshakes did not exceed; zero if there were none.
  [[nodiscard]] std::chrono::microseconds time_at(double share) const;
  void note(std::string sample);
};

}  // namespace tidegate::prove
