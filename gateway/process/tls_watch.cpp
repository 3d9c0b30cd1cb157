#include "gateway/process/tls_watch.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/logger.h>

namespace tidegate::gateway {
namespace {

constexpr std::chrono::seconds kInterval{2};

}  // namespace

TlsWatch::TlsWatch(boost::asio::io_context& context, std::shared_ptr<net::TicketKeys> keys,
                   std::shared_ptr<spdlog::logger> log, Change change)
    : context_(context),
      keys_(std::move(keys)),
      log_(std::move(log)),
      change_(std::move(change)),
      timer_(context) {}

TlsWatch::~TlsWatch() {
  if (builder_.joinable()) builder_.join();
}

void TlsWatch::watch(TlsBuild current) {
  current_ = std::move(current);
  files_ = tls_files(*current_.config);
  built_ = seen_ = current_.stamps;
  timer_.cancel();
  if (!files_.empty()) arm();
}

void TlsWatch::arm() {
  timer_.expires_after(kInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    arm();  // first, so that the next look comes whatever this one meets
    look();
  });
}

void TlsWatch::look() {
  auto now = net::stamps_of(files_);
  const bool still = now == seen_;
  seen_ = std::move(now);
  if (still && seen_ != built_ && !building_) build();
}

void TlsWatch::build() {
  building_ = true;
  built_ = seen_;
  if (builder_.joinable()) builder_.join();
  builder_ = std::thread([this, before = current_, stamps = seen_] {
    conf::ConfigErrors faults;
    TlsBuild built{before.config, nullptr, stamps};
    try {
      TlsMaking making(StapleFaults::warnings);
      making.before = &before;
      making.stamps = stamps;
      built.contexts = std::make_shared<const TlsContexts>(
          make_tls_contexts(*before.config, keys_, std::chrono::system_clock::now(), faults, making));
    } catch (const std::exception& error) {  // memory, above all: nothing leaves a thread
      faults.push_back({{}, {}, error.what()});
    }
    boost::asio::post(context_, [this, built = std::move(built), faults = std::move(faults)]() mutable {
      take(std::move(built), faults);
    });
  });
}

void TlsWatch::take(TlsBuild built, const conf::ConfigErrors& faults) {
  building_ = false;
  if (built.config != current_.config) return;  // of a configuration that a reload has replaced
  if (!faults.empty()) {
    for (const auto& fault : faults)
      log_->error("certificates not renewed, the old ones stay: {}", fault.text());
    return;
  }
  try {
    const auto renewed = built;
    change_(std::move(built));
    current_ = renewed;
    log_->info("certificates renewed");
    for (const auto& warning :
         tls_warnings(*renewed.config, *renewed.contexts, std::chrono::system_clock::now()))
      log_->warn("{}", warning);
  } catch (const std::exception& error) {
    log_->error("certificates not renewed, the old ones stay: {}", error.what());
  }
}

}  // namespace tidegate::gateway
