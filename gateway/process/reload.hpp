// One new configuration at a time: read on a thread of its own, put in force on control's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "gateway/observe/reload_report.hpp"
#include "gateway/process/load_config.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

struct ReloadOutcome {
  bool succeeded = false;
  std::string text;  // what was changed, in a sentence; or the faults, one a line
};

// Used on control's thread only.
class Reload {
 public:
  using Load = std::function<LoadResult()>;  // on a thread of its own
  // Puts it in force and says what changed. Throws std::runtime_error if it cannot be; then nothing has
  // changed.
  using Apply = std::function<std::string(LoadedConfig)>;
  using Done = std::function<void(const ReloadOutcome&)>;
  // What hears of every reload, before those who asked for it.
  struct Watcher {
    std::function<void()> begun;
    Done ended;
  };

  Reload(boost::asio::io_context& context, std::shared_ptr<spdlog::logger> log, Apply apply);
  // Waits for a load in progress; its outcome is told to nobody.
  ~Reload();
  Reload(const Reload&) = delete;
  Reload& operator=(const Reload&) = delete;

  // Begins, or, while another is in progress, once that is done: what is read is never older than the
  // request. Requests that wait are served by one load. `done` may be null.
  void request(Load load, Done done);
  // There is none at first. Both functions are set.
  void tell(Watcher watcher) { watcher_ = std::move(watcher); }
  [[nodiscard]] const ReloadReport& report() const { return report_; }

 private:
  void begin();
  void end(LoadResult result);

  boost::asio::io_context& context_;
  const std::shared_ptr<spdlog::logger> log_;
  const Apply apply_;
  Watcher watcher_{[] {}, [](const ReloadOutcome&) {}};
  Load load_;
  std::vector<Done> waiting_;  // for the next load
  std::vector<Done> served_;   // by the one in progress
  bool loading_ = false;
  std::optional<boost::asio::thread_pool> loader_;  // from the first load on
  ReloadReport report_;
};

}  // namespace tidegate::gateway
