#include "tests/prove/tally.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>

namespace tidegate::prove {

namespace {

constexpr std::size_t most_samples = 12;

}  // namespace

std::string_view text(NoAnswer kind) {
  switch (kind) {
    case NoAnswer::refused: return "refused";
    case NoAnswer::reset: return "reset";
    case NoAnswer::eof: return "closed without an answer";
    case NoAnswer::timeout: return "timeout";
    case NoAnswer::other: return "other failure";
  }
  return "unknown";
}

NoAnswer classify(const boost::system::error_code& error) {
  namespace asio = boost::asio::error;
  using HttpError = boost::beast::http::error;
  if (error == asio::connection_refused) return NoAnswer::refused;
  if (error == asio::connection_reset || error == asio::broken_pipe) return NoAnswer::reset;
  if (error == asio::eof || error == HttpError::end_of_stream || error == HttpError::partial_message) {
    return NoAnswer::eof;
  }
  if (error == asio::timed_out) return NoAnswer::timeout;
  return NoAnswer::other;
}

std::string_view text(Loss loss) {
  switch (loss) {
    case Loss::no_close_frame: return "lost without a Close frame (1006)";
    case Loss::no_greeting: return "no greeting in time";
    case Loss::no_echo: return "no echo in time";
    case Loss::wrong_echo: return "wrong echo";
    case Loss::no_close_answer: return "our Close not answered";
  }
  return "unknown";
}

std::uint64_t Tally::lost_sockets() const {
  std::uint64_t sum = 0;
  for (const auto& [loss, count] : losses) sum += count;
  return sum;
}

bool Tally::flawless() const {
  return handshakes > 0 && failed_handshakes() == 0 && lost_sockets() == 0 && open == 0 &&
         echoed + cut_short == sent;
}

std::chrono::microseconds Tally::time_at(double share) const {
  if (times.empty()) return {};
  auto sorted = times;
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  const auto place = sorted.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(sorted.begin(), place, sorted.end());
  return *place;
}

void Tally::note(std::string sample) {
  if (samples.size() < most_samples) samples.push_back(std::move(sample));
}

}  // namespace tidegate::prove
