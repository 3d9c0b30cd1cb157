#include "conf/pattern.hpp"

#include <array>
#include <memory>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace tidegate::conf {

std::optional<std::string> pattern_fault(std::string_view pattern) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> compiled(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &code, &offset, nullptr),
      &pcre2_code_free);
  if (compiled) return std::nullopt;
  std::array<PCRE2_UCHAR, 256> message{};
  pcre2_get_error_message(code, message.data(), message.size());
  return std::string(reinterpret_cast<const char*>(message.data())) + " at offset " + std::to_string(offset);
}

}  // namespace tidegate::conf
