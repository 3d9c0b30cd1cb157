// A compiled regular expression over paths (PCRE2), with bounded matching.
#pragma once

#include <memory>
#include <string_view>

struct pcre2_real_code_8;

namespace tidegate::gateway {

class PathRegex {
 public:
  // Throws std::logic_error with PCRE2's message; validation has compiled the pattern before.
  explicit PathRegex(std::string_view pattern);

  // A match that exceeds the limit of steps is no match: a hostile path must not stop a worker.
  [[nodiscard]] bool matches(std::string_view path) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
};

}  // namespace tidegate::gateway
