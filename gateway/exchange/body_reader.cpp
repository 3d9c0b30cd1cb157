#include "gateway/exchange/body_reader.hpp"

#include <algorithm>
#include <cstring>

#include "conf/units.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {
namespace {

// A body that always has more must not keep its worker from everybody else.
constexpr std::size_t kTurnBytes = 256 * 1024;

}  // namespace

BodyReader::BodyReader(net::Stream& stream, const http::Framing& framing, net::Buffer buffered,
                       const BodyLimits& limits)
    : stream_(stream),
      kind_(framing.kind),
      left_(framing.length),
      limit_(limits.bytes),
      idle_(limits.idle),
      pace_(limits.pace),
      buffer_(std::move(buffered)),
      decoder_(limits.trailer_bytes, limits.underscores) {
  if (kind_ == http::BodyKind::none || (kind_ == http::BodyKind::length && left_ == 0)) end_ = BodyEnd::whole;
  if (limit_ != 0 && kind_ == http::BodyKind::length && left_ > limit_) end_ = BodyEnd::too_large;
}

std::string_view BodyReader::count(std::string_view run) {
  received_ += run.size();
  pace_.received(run.size());  // of the body, not of its framing: lines of chunks bring nothing
  if (!run.empty()) begun_ = true;
  if (limit_ != 0 && received_ > limit_) {
    end_ = BodyEnd::too_large;
    return {};
  }
  return run;
}

std::string_view BodyReader::take_buffered() {
  if (end_ != BodyEnd::open || buffer_.empty()) return {};
  if (kind_ == http::BodyKind::chunked) return take_chunks();
  const auto size = kind_ == http::BodyKind::length
                        ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_.size()))
                        : buffer_.size();
  const auto run = buffer_.text().substr(0, size);
  buffer_.consume(size);
  if (kind_ == http::BodyKind::length) {
    left_ -= size;
    if (left_ == 0) end_ = BodyEnd::whole;
  }
  return count(run);
}

std::string_view BodyReader::take_chunks() {
  // The runs of all chunks in the buffer are moved together, so that many small chunks leave as one write.
  begun_ = true;
  char* const first = buffer_.bytes();
  std::size_t size = 0;
  while (!buffer_.empty()) {
    const auto step = decoder_.next(buffer_.text());
    if (!step.data.empty()) {
      std::memmove(first + size, step.data.data(), step.data.size());
      size += step.data.size();
    }
    buffer_.consume(step.consumed);
    if (decoder_.error() != http::ChunkError::none) {
      end_ = BodyEnd::malformed;
      return {};
    }
    if (decoder_.done()) {
      end_ = BodyEnd::whole;
      break;
    }
    if (step.consumed == 0) break;
  }
  return count({first, size});
}

std::string BodyReader::stall() const {
  const auto rate = pace_.slow_rate();
  if (!rate)
    return "nothing of the body came for " + conf::duration_text(idle_) + " (`timeouts.requestBody`)";
  const auto& asked = pace_.asked();
  return "the body came at " + std::to_string(*rate) + " bytes/s over " + conf::duration_text(asked.window) +
         ", `minBodyRate` asks for " + std::to_string(asked.bytes_per_second);
}

net::Task<std::string_view> BodyReader::next(net::BufferPool& pool) {
  for (;;) {
    if (const auto run = take_buffered(); !run.empty() || end_ != BodyEnd::open) co_return run;
    if (buffer_.empty()) buffer_.clear();
    if (turn_bytes_ >= kTurnBytes) {
      turn_bytes_ = 0;
      net::NextTurn next_turn(stream_.loop());
      co_await next_turn;
    }
    if (!stream_.readable()) {
      turn_bytes_ = 0;
      if (buffer_.empty()) buffer_.release();
      const auto& loop = stream_.loop();
      const auto idle_until = loop.now() + idle_;
      bool waiting = true;
      while (waiting && end_ == BodyEnd::open) {
        // Judged before a wait and not after one: what has just come may be the end of the body.
        if (pace_.too_slow()) {
          end_ = BodyEnd::stalled;
          break;
        }
        const auto began = loop.now();
        net::Wait wait(stream_.loop());
        wait.readable(stream_).until(std::min(idle_until, pace_.verdict_at(began)));
        if (watched_ != nullptr) wait.hangup(*watched_);
        const auto cause = co_await wait;
        waiting = cause == net::Cause::deadline;
        if (cause == net::Cause::hangup) end_ = BodyEnd::abandoned;
        pace_.waited(loop.now() - began);
        if (waiting && loop.now() >= idle_until) end_ = BodyEnd::stalled;
      }
      if (end_ != BodyEnd::open) co_return std::string_view();
    }
    if (!buffer_.has_block()) buffer_ = pool.take();
    buffer_.compact();
    const auto room = buffer_.room();
    const auto read = stream_.try_read(room);
    if (read.has_error()) {
      if (net::would_block(read.error())) continue;
      end_ = BodyEnd::truncated;  // a reset: even a body delimited by the close is not known to be whole
      co_return std::string_view();
    }
    if (*read == 0) {
      const bool may_end = kind_ == http::BodyKind::until_close && !stream_.truncated();
      end_ = may_end ? BodyEnd::whole : BodyEnd::truncated;
      co_return std::string_view();
    }
    buffer_.commit(*read);
    turn_bytes_ += *read;
  }
}

}  // namespace tidegate::gateway
