// Writing a whole sequence of bytes, with the write-stall deadline renewed at each progress.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include <sys/uio.h>

#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"

namespace tidegate::net {

// Writes every piece in order. `pieces` is used up. Fails with ETIMEDOUT when nothing could be written for
// `stall`.
[[nodiscard]] Task<error_code> write_all(Stream& stream, std::span<iovec> pieces,
                                         std::chrono::milliseconds stall);
[[nodiscard]] Task<error_code> write_all(Stream& stream, std::string_view bytes,
                                         std::chrono::milliseconds stall);

[[nodiscard]] inline iovec piece_of(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace tidegate::net
