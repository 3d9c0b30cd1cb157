#include "upstream/discovery/kubernetes/line_splitter.hpp"

namespace tidegate::upstream {

void LineSplitter::append(std::string_view bytes) {
  if (too_long_) return;
  bytes_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  bytes_.append(bytes);
}

std::optional<std::string_view> LineSplitter::next() {
  if (too_long_) return std::nullopt;
  const auto end = bytes_.find('\n', scanned_);
  const auto size = (end == std::string::npos ? bytes_.size() : end) - begin_;
  if (size > longest_) {
    too_long_ = true;
    bytes_ = {};
    return std::nullopt;
  }
  if (end == std::string::npos) {
    scanned_ = bytes_.size();
    return std::nullopt;
  }
  const auto line = std::string_view(bytes_).substr(begin_, size);
  begin_ = scanned_ = end + 1;
  return line;
}

}  // namespace tidegate::upstream
