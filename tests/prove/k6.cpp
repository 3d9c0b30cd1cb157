#include "tests/prove/k6.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "tests/prove/process.hpp"
#include "tests/prove/programs.hpp"

namespace tidegate::prove {

namespace {

std::string find_k6() {
  return find_program(
      "k6", "install it as https://grafana.com/docs/k6/latest/set-up/install-k6/ tells, or run without --k6");
}

}  // namespace

void require_k6(const Options& options) {
  static_cast<void>(find_k6());
  if (std::filesystem::exists(options.k6_script)) return;
  throw Missing("the k6 script " + options.k6_script + " is missing: name it with --k6-script PATH");
}

boost::asio::awaitable<int> run_k6(boost::asio::io_context& context, const Options& options,
                                   boost::asio::ip::tcp::endpoint hop) {
  const auto url = "ws://" + hop.address().to_string() + ":" + std::to_string(hop.port()) +
                   "/app/hex-ws?protocol=7&client=js&version=7.4.1&flash=false";
  const std::vector<std::string> command{find_k6(),
                                         "run",
                                         "--no-usage-report",
                                         "-e",
                                         "URL=" + url,
                                         "-e",
                                         "CLIENTS=" + std::to_string(options.clients),
                                         "-e",
                                         "SECONDS=" + std::to_string(options.time.count()),
                                         options.k6_script};
  Process process(context, command, "");
  // k6 lets the last iterations end for half a minute (gracefulStop).
  const auto ended = co_await process.wait(options.time + std::chrono::seconds(60));
  if (!ended) co_return 128;
  co_return ended->signal != 0 ? 128 + ended->signal : ended->status;
}

}  // namespace tidegate::prove
