#include "gateway/process/tls_watch.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <spdlog/logger.h>
#include <sys/stat.h>

namespace tidegate::gateway {
namespace {

constexpr std::chrono::seconds kInterval{2};

void add(std::vector<std::string>& files, const conf::CertificateFiles& named) {
  files.insert(files.end(), {named.certificate, named.key, named.passphrase_file});
}

void add(std::vector<std::string>& files, const conf::ClientCertificatePolicy& policy) {
  files.insert(files.end(), {policy.ca, policy.crl});
}

}  // namespace

std::vector<std::string> tls_files(const conf::Config& config) {
  std::vector<std::string> files{config.ticket_keys};
  for (const auto& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const auto& certificate : listener.tls->certificates) {
      add(files, certificate.files);
      files.insert(files.end(), {certificate.staple.file, certificate.staple.issuer});
    }
    add(files, listener.tls->clients);
    for (const auto& host : listener.tls->hosts) add(files, host.policy);
  }
  for (const auto& upstream : config.upstreams) {
    if (!upstream.tls) continue;
    files.push_back(upstream.tls->ca);
    add(files, upstream.tls->certificate);
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::erase(files, "");
  return files;
}

TlsWatch::TlsWatch(boost::asio::io_context& context, std::shared_ptr<const conf::Config> config,
                   std::shared_ptr<net::TicketKeys> keys, std::shared_ptr<spdlog::logger> log, Change change)
    : context_(context),
      config_(std::move(config)),
      keys_(std::move(keys)),
      log_(std::move(log)),
      change_(std::move(change)),
      files_(tls_files(*config_)),
      timer_(context) {
  if (files_.empty()) return;
  built_ = seen_ = stamps();
  arm();
}

TlsWatch::~TlsWatch() {
  if (builder_.joinable()) builder_.join();
}

TlsWatch::Stamps TlsWatch::stamps() const {
  Stamps stamps;
  for (const auto& file : files_) {
    struct stat about {};
    auto& stamp = stamps[file];
    if (::stat(file.c_str(), &about) != 0) continue;
    std::error_code ignored;
    stamp = {std::filesystem::last_write_time(file, ignored), static_cast<std::uintmax_t>(about.st_size),
             about.st_ino};
  }
  return stamps;
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
  auto now = stamps();
  const bool still = now == seen_;
  seen_ = std::move(now);
  if (still && seen_ != built_ && !building_) build();
}

void TlsWatch::build() {
  building_ = true;
  built_ = seen_;
  if (builder_.joinable()) builder_.join();
  builder_ = std::thread([this] {
    conf::ConfigErrors faults;
    TlsContexts contexts;
    try {
      contexts = make_tls_contexts(*config_, keys_, std::chrono::system_clock::now(), faults,
                                   StapleFaults::warnings);
    } catch (const std::exception& error) {  // memory, above all: nothing leaves a thread
      faults.push_back({{}, {}, error.what()});
    }
    boost::asio::post(context_, [this, contexts = std::move(contexts), faults = std::move(faults)]() mutable {
      take(std::move(contexts), faults);
    });
  });
}

void TlsWatch::take(TlsContexts contexts, const conf::ConfigErrors& faults) {
  building_ = false;
  if (!faults.empty()) {
    for (const auto& fault : faults)
      log_->error("certificates not renewed, the old ones stay: {}", fault.text());
    return;
  }
  try {
    const auto renewed = std::make_shared<const TlsContexts>(std::move(contexts));
    change_(renewed);
    log_->info("certificates renewed");
    for (const auto& warning : tls_warnings(*config_, *renewed, std::chrono::system_clock::now()))
      log_->warn("{}", warning);
  } catch (const std::exception& error) {
    log_->error("certificates not renewed, the old ones stay: {}", error.what());
  }
}

}  // namespace tidegate::gateway
