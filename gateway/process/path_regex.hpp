// A compiled regular expression over paths (PCRE2), with bounded matching.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

struct pcre2_real_code_8;

namespace tidegate::gateway {

enum class PathVerdict : std::uint8_t {
  no_match,
  match,
  gave_up,  // beyond the bounds of time or memory: nobody knows, so a request must not be let through by it
};

class PathRegex {
 public:
  // Throws std::logic_error with PCRE2's message; validation has compiled the pattern before.
  // A path may hold decoded line feeds, by which nobody shall walk around a route: `$` stands for the very
  // end and not for a place before a last line feed too, and `.` matches every byte.
  explicit PathRegex(std::string_view pattern);

  // Thread-safe. The first match of a thread allocates what it needs (std::bad_alloc), later ones nothing.
  [[nodiscard]] PathVerdict judge(std::string_view path) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  bool anchored_ = false;  // a match can begin at the path's beginning only
};

}  // namespace tidegate::gateway
