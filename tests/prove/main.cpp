// tidegate-prove: the load under which the old hop failed, as a command that counts every failure.

#include <cstdio>
#include <exception>
#include <vector>

#include <sys/resource.h>

#include "tests/prove/k6.hpp"
#include "tests/prove/options.hpp"
#include "tests/prove/programs.hpp"
#include "tests/prove/report.hpp"
#include "tests/prove/run.hpp"
#include "tests/prove/service_address.hpp"

namespace tidegate::prove {
namespace {

constexpr int status_interrupted = 130;

// Clients, hop and pods inherit it: a thousand clients need three thousand descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int prove(const Options& options) {
  raise_descriptor_limit();
  if (options.k6) require_k6(options);
  if (options.single) enter_service_network();
  std::vector<RunResult> results;
  for (int run = 1; run <= options.runs; ++run) {
    if (options.runs > 1) std::printf("run %d of %d: ", run, options.runs);
    std::printf("%s\n", headline(options).c_str());
    std::fflush(stdout);
    results.push_back(run_once(options, run));
    std::printf("%s", table(results.back()).c_str());
    std::fflush(stdout);
  }
  std::printf("%s", summary(options, results).c_str());
  for (const auto& result : results) {
    if (!result.passed()) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace tidegate::prove

int main(int argc, char** argv) {
  using namespace tidegate::prove;
  const auto parsed = parse_options(argc, argv);
  if (parsed.exit_status) return *parsed.exit_status;
  try {
    return prove(parsed.options);
  } catch (const Missing& missing) {
    std::fprintf(stderr, "tidegate-prove: %s\n", missing.what());
    return tidegate::test::status_missing;
  } catch (const Interrupted&) {
    std::fprintf(stderr, "tidegate-prove: interrupted; what was started has been ended\n");
    return status_interrupted;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tidegate-prove: %s\n", error.what());
    return 1;
  }
}
