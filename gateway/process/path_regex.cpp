#define PCRE2_CODE_UNIT_WIDTH 8
#include "gateway/process/path_regex.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <string>

#include <pcre2.h>

namespace tidegate::gateway {
namespace {

// A hostile path must not stop a worker: a match gives up after so many steps. PCRE2 counts them anew for
// each place where a match may begin, so that an expression without an anchor gets fewer, the more there are.
constexpr std::size_t kMostSteps = 50'000;
constexpr std::size_t kFewestSteps = 2'000;
constexpr std::size_t kStepsOverAll = 32'000'000;
// Of compiled code; it is reserved as addresses and takes memory only as far as paths need it.
constexpr std::size_t kFirstStackBytes = 32 * 1024;
constexpr std::size_t kMostStackBytes = 512 * 1024;
// Of the interpreter, which takes over where code cannot be compiled.
constexpr std::uint32_t kMostHeapKibibytes = 512;

struct Free {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

// What a thread needs to match: made once, so that a request allocates nothing.
struct Scratch {
  std::unique_ptr<pcre2_match_data, Free> data{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, Free> context{pcre2_match_context_create(nullptr)};
  // Null where PCRE2 was built without a compiler, or memory lacks: then 32 KiB of the thread's stack serve.
  std::unique_ptr<pcre2_jit_stack, Free> stack{
      pcre2_jit_stack_create(kFirstStackBytes, kMostStackBytes, nullptr)};

  Scratch() {
    if (!data || !context) throw std::bad_alloc();
    pcre2_set_heap_limit(context.get(), kMostHeapKibibytes);
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
};

std::uint32_t step_limit(bool anchored, std::size_t path_size) {
  if (anchored) return kMostSteps;
  return static_cast<std::uint32_t>(std::clamp(kStepsOverAll / (path_size + 1), kFewestSteps, kMostSteps));
}

}  // namespace

void PathRegex::Free::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}

PathRegex::PathRegex(std::string_view pattern) {
  constexpr std::uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL;
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error,
                            &offset, nullptr));
  if (!code_) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    throw std::logic_error(reinterpret_cast<const char*>(message.data()));
  }
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
  std::uint32_t found_options = 0;
  pcre2_pattern_info(code_.get(), PCRE2_INFO_ALLOPTIONS, &found_options);
  anchored_ = (found_options & PCRE2_ANCHORED) != 0;
}

PathVerdict PathRegex::judge(std::string_view path) const {
  thread_local const Scratch scratch;
  pcre2_set_match_limit(scratch.context.get(), step_limit(anchored_, path.size()));
  const int result = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(path.data()), path.size(), 0, 0,
                                 scratch.data.get(), scratch.context.get());
  if (result >= 0) return PathVerdict::match;
  return result == PCRE2_ERROR_NOMATCH ? PathVerdict::no_match : PathVerdict::gave_up;
}

}  // namespace tidegate::gateway
