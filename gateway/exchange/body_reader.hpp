// Reads the body of one message from a stream: decodes its framing, hands out runs of body bytes, and stops
// exactly at the message's end.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/exchange/body_pace.hpp"
#include "wire/http/chunk_decoder.hpp"
#include "wire/http/framing.hpp"
#include "wire/net/buffer.hpp"
#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"

namespace tidegate::gateway {

enum class BodyEnd : std::uint8_t {
  open,       // more may come
  whole,      // the message is complete
  truncated,  // the peer closed or reset within it
  malformed,  // bad chunk framing
  too_large,  // over the limit
  stalled,    // nothing came in time, or too little
  abandoned,  // the watched stream hung up: nobody wants the rest
};

struct BodyLimits {
  std::uint64_t bytes = 0;            // 0: unlimited
  std::chrono::milliseconds idle{0};  // between two reads
  std::size_t trailer_bytes = 8 * 1024;
  conf::BodyPace pace = {};  // the least rate
  http::Underscores underscores = http::Underscores::pass;
};

class BodyReader {
 public:
  // `buffered` are the bytes already read behind the head; they become the reader's, as does what it reads.
  BodyReader(net::Stream& stream, const http::Framing& framing, net::Buffer buffered,
             const BodyLimits& limits);

  // The next run of body bytes, valid until the next call; empty when `end()` is no longer `open`. A buffer
  // is held only while there are bytes in it.
  [[nodiscard]] net::Task<std::string_view> next(net::BufferPool& pool);
  // What can be had without waiting, possibly empty.
  [[nodiscard]] std::string_view take_buffered();

  // Ends the reading when `other` hangs up meanwhile: a client that has left must not be streamed to for
  // ever.
  void watch(net::Stream& other) { watched_ = &other; }

  [[nodiscard]] BodyEnd end() const { return end_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] const std::string& trailers() const { return decoder_.trailers(); }
  [[nodiscard]] std::string_view fault() const { return http::describe(decoder_.error()); }
  // After `stalled`, for a request: which of the listener's keys was not met, and by how much.
  [[nodiscard]] std::string stall() const;
  // Bytes read beyond the message: the next request, or a reason to condemn the connection.
  [[nodiscard]] net::Buffer& rest() { return buffer_; }
  // Any byte of the body was taken from the stream.
  [[nodiscard]] bool begun() const { return begun_; }

 private:
  [[nodiscard]] std::string_view take_chunks();
  [[nodiscard]] std::string_view count(std::string_view run);

  net::Stream& stream_;
  net::Stream* watched_ = nullptr;
  http::BodyKind kind_;
  std::uint64_t left_;  // BodyKind::length
  std::uint64_t limit_;
  std::chrono::milliseconds idle_;
  PaceKeeper pace_;
  net::Buffer buffer_;
  http::ChunkDecoder decoder_;
  std::uint64_t received_ = 0;
  std::size_t turn_bytes_ = 0;  // read since the loop had its turn
  BodyEnd end_ = BodyEnd::open;
  bool begun_ = false;
};

}  // namespace tidegate::gateway
