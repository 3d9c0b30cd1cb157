// Sends a request's body upstream while the answer is awaited, so that an early answer is seen (RFC
// 9112 9.5).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "gateway/exchange/body_reader.hpp"
#include "gateway/process/router.hpp"
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

struct UploadSettings {
  bool chunked = false;
  std::chrono::milliseconds stall{};
  const std::vector<FieldRule>& rules;  // of the route; they hold for trailers too
};

// Lives beside the exchange; destroying it stops the upload wherever it is.
class Upload {
 public:
  Upload(net::BufferPool& pool, BodyReader& body, net::Stream& upstream, const UploadSettings& settings)
      : pool_(pool), body_(body), upstream_(upstream), settings_(settings), ended_(upstream.loop()) {}

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
  const UploadSettings settings_;
  std::string trailers_;  // where some are left out
  net::Signal ended_;
  UploadState state_ = UploadState::running;
  net::Task<> task_;
};

}  // namespace tidegate::gateway
