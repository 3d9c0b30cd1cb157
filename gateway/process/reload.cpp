#include "gateway/process/reload.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/logger.h>

namespace tidegate::gateway {
namespace {

std::int64_t unix_seconds() {
  return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
}

std::string joined(const LoadFaults& faults) {
  std::string text;
  for (const auto& fault : faults) text.append(text.empty() ? "" : "\n").append(fault);
  return text;
}

}  // namespace

Reload::Reload(boost::asio::io_context& context, std::shared_ptr<spdlog::logger> log, Apply apply)
    : context_(context), log_(std::move(log)), apply_(std::move(apply)) {
  report_.last_success_at = unix_seconds();
}

Reload::~Reload() {
  if (loader_) loader_->join();
}

void Reload::request(Load load, Done done) {
  load_ = std::move(load);
  waiting_.push_back(std::move(done));
  if (!loading_) begin();
}

void Reload::begin() {
  loading_ = true;
  watcher_.begun();
  served_ = std::exchange(waiting_, {});
  // Always the same thread: each new one might leave what a load took, megabytes, to an arena of its own.
  if (!loader_) loader_.emplace(1);
  boost::asio::post(*loader_, [this, load = std::move(load_)] {
    // The result is posted by a pointer: handlers of Asio may be copied by it, views are not.
    auto result = std::make_shared<LoadResult>(load());
    boost::asio::post(context_, [this, result] { end(std::move(*result)); });
  });
}

void Reload::end(LoadResult result) {
  loading_ = false;
  ReloadOutcome outcome;
  if (const auto* faults = std::get_if<LoadFaults>(&result)) {
    for (const auto& fault : *faults) log_->error("reload: {}", fault);
    outcome.text = joined(*faults);
  } else {
    auto& loaded = std::get<LoadedConfig>(result);
    const auto warnings = loaded.warnings;
    try {
      outcome.text = apply_(std::move(loaded));
      outcome.succeeded = true;
      log_->info("reload: {}", outcome.text);
      for (const auto& warning : warnings) log_->warn("{}", warning);
    } catch (const std::exception& error) {
      outcome.text = error.what();
      log_->error("reload: {}", outcome.text);
    }
  }
  if (outcome.succeeded) {
    ++report_.succeeded;
    report_.last_success_at = unix_seconds();
  } else {
    ++report_.failed;
    log_->error("reload: the configuration stays as it was");
  }
  report_.last_succeeded = outcome.succeeded;
  watcher_.ended(outcome);
  for (const auto& done : std::exchange(served_, {})) {
    if (done) done(outcome);
  }
  if (!waiting_.empty()) begin();
}

}  // namespace tidegate::gateway
