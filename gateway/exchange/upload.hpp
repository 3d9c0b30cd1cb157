// Sends a request's body upstream while the answer is awaited, so that an early answer is seen (RFC
// 9112 9.5).
#pragma once

#include "gateway/exchange/body_reader.hpp"
#include "wire/net/task.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {

enum class UploadState : std::uint8_t {
  running,
  complete,
  client_failed,    // see BodyReader::end
  upstream_failed,  // it reads no more; it may have answered nevertheless
  upstream_stalled,
};

// Lives beside the exchange; destroying it stops the upload wherever it is.
class Upload {
 public:
  Upload(net::BufferPool& pool, BodyReader& body, net::Stream& upstream, bool chunked,
         std::chrono::milliseconds stall)
      : pool_(pool),
        body_(body),
        upstream_(upstream),
        chunked_(chunked),
        stall_(stall),
        ended_(upstream.loop()) {}

  void start();
  [[nodiscard]] UploadState state() const { return state_; }
  // Raised when the state is no longer `running`.
  [[nodiscard]] net::Signal& ended() { return ended_; }

 private:
  net::Task<> run();
  net::Task<UploadState> send();
  net::Task<net::error_code> send_run(std::string_view run, bool last);

  net::BufferPool& pool_;
  BodyReader& body_;
  net::Stream& upstream_;
  bool chunked_;
  std::chrono::milliseconds stall_;
  net::Signal ended_;
  UploadState state_ = UploadState::running;
  net::Task<> task_;
};

}  // namespace tidegate::gateway
