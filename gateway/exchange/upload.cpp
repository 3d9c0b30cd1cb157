#include "gateway/exchange/upload.hpp"

#include "gateway/exchange/field_rules.hpp"
#include "gateway/exchange/framed_run.hpp"

namespace tidegate::gateway {

void Upload::start() {
  task_ = run();
  task_.start();
}

net::Task<> Upload::run() {
  state_ = co_await send();
  ended_.raise();
}

net::Task<UploadState> Upload::send() {
  for (;;) {
    const auto run = co_await body_.next(pool_);
    const auto end = body_.end();
    if (end != BodyEnd::open && end != BodyEnd::whole) co_return UploadState::client_failed;
    const auto error = co_await send_run(run, end == BodyEnd::whole);
    if (error)
      co_return error.value() == ETIMEDOUT ? UploadState::upstream_stalled : UploadState::upstream_failed;
    if (end == BodyEnd::whole) co_return UploadState::complete;
  }
}

net::Task<net::error_code> Upload::send_run(std::string_view run, bool last) {
  FramedRun framed;
  if (settings_.chunked) {
    framed.chunk(run);
    if (last) framed.last_chunk(without_ruled(body_.trailers(), settings_.rules, trailers_));
  } else {
    framed.plain(run);
  }
  co_return co_await net::write_all(upstream_, framed.pieces(), settings_.stall);
}

}  // namespace tidegate::gateway
