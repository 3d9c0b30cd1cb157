#define PCRE2_CODE_UNIT_WIDTH 8
#include "gateway/process/path_regex.hpp"

#include <array>
#include <stdexcept>
#include <string>

#include <pcre2.h>

namespace tidegate::gateway {
namespace {

constexpr std::uint32_t kMatchLimit = 50'000;
constexpr std::uint32_t kDepthLimit = 1'000;

// What a thread needs to match: made once, so that a request allocates nothing.
struct Scratch {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);

  Scratch() {
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_set_depth_limit(context, kDepthLimit);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
  }
};

}  // namespace

void PathRegex::Free::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}

PathRegex::PathRegex(std::string_view pattern) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &error, &offset,
                            nullptr));
  if (!code_) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    throw std::logic_error(reinterpret_cast<const char*>(message.data()));
  }
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
}

bool PathRegex::matches(std::string_view path) const {
  thread_local const Scratch scratch;
  return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(path.data()), path.size(), 0, 0, scratch.data,
                     scratch.context) >= 0;
}

}  // namespace tidegate::gateway
