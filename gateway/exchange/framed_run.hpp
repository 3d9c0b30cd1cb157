// One run of body bytes in the framing of the side it is written to.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <sys/uio.h>

#include "wire/http/chunk_decoder.hpp"
#include "wire/net/write_all.hpp"

namespace tidegate::gateway {

// Collects a head, a run and the end of a body as pieces of one write. Views what it is given: it must be
// written before any of that changes.
class FramedRun {
 public:
  void head(std::string_view bytes) { push(bytes); }

  void plain(std::string_view run) { push(run); }

  void chunk(std::string_view run) {
    if (run.empty()) return;  // an empty chunk would end the body
    push({size_line_.data(), http::write_chunk_header(size_line_.data(), run.size())});
    push(run);
    push("\r\n");
  }

  // `trailers` are field lines, CRLF after each.
  void last_chunk(std::string_view trailers) {
    push("0\r\n");
    push(trailers);
    push("\r\n");
  }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::span<iovec> pieces() { return {pieces_.data(), count_}; }

 private:
  void push(std::string_view bytes) {
    if (!bytes.empty()) pieces_[count_++] = net::piece_of(bytes);
  }

  std::array<iovec, 8> pieces_{};
  std::size_t count_ = 0;
  std::array<char, 24> size_line_{};
};

}  // namespace tidegate::gateway
