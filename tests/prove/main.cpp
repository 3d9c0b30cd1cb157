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

// The options of each run.
std::vector<Options> plan_runs(const Options& options) {
  std::vector<Options> runs;
  for (int run = 0; run < options.runs; ++run) {
    runs.push_back(options);
    if (options.trial() != Trial::soketi) continue;
    for (const auto signs : {Signs::closes, Signs::probes}) {
      runs.push_back(options);
      runs.back().signs = signs;
    }
  }
  return runs;
}

int prove(const Options& options) {
  raise_descriptor_limit();
  if (options.k6) require_k6(options);
  if (options.single) enter_service_network();
  std::vector<RunResult> results;
  const auto runs = plan_runs(options);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const int run = static_cast<int>(i) + 1;
    if (runs.size() > 1) std::printf("run %d of %zu: ", run, runs.size());
    std::printf("%s\n", headline(runs[i]).c_str());
    std::fflush(stdout);
    results.push_back(run_once(runs[i], run));
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
