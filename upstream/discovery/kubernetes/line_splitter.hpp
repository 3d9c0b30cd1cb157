// The lines of a stream that comes in pieces. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::upstream {

class LineSplitter {
 public:
  // Of a line; a longer one is kept no further than that.
  explicit LineSplitter(std::size_t longest) : longest_(longest) {}

  void append(std::string_view bytes);
  // The next whole line without its end; nothing if more has to come, or the line is too long. Valid until
  // the next call of either.
  [[nodiscard]] std::optional<std::string_view> next();
  // The line that has begun is longer than is borne; nothing comes any more.
  [[nodiscard]] bool too_long() const { return too_long_; }

 private:
  std::size_t longest_;
  std::string bytes_;
  std::size_t begin_ = 0;    // of the next line
  std::size_t scanned_ = 0;  // no end of a line stands between `begin_` and here
  bool too_long_ = false;
};

}  // namespace tidegate::upstream
