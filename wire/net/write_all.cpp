#include "wire/net/write_all.hpp"

#include "wire/net/wait.hpp"

namespace tidegate::net {
namespace {

// Drops `count` written bytes from the front of `pieces`.
std::span<iovec> drop_written(std::span<iovec> pieces, std::size_t count) {
  while (!pieces.empty() && count >= pieces.front().iov_len) {
    count -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (count > 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + count;
    pieces.front().iov_len -= count;
  }
  return pieces;
}

}  // namespace

Task<error_code> write_all(Stream& stream, std::span<iovec> pieces, std::chrono::milliseconds stall) {
  pieces = drop_written(pieces, 0);
  while (!pieces.empty()) {
    const auto written = stream.try_write(pieces);
    if (written.has_value()) {
      pieces = drop_written(pieces, *written);
      continue;
    }
    if (!would_block(written.error())) co_return written.error();
    Wait wait(stream.loop());
    wait.writable(stream).until(stream.loop().now() + stall);
    if (co_await wait == Cause::deadline) co_return make_error(ETIMEDOUT);
  }
  co_return error_code();
}

Task<error_code> write_all(Stream& stream, std::string_view bytes, std::chrono::milliseconds stall) {
  iovec piece = piece_of(bytes);
  co_return co_await write_all(stream, std::span(&piece, 1), stall);
}

}  // namespace tidegate::net
