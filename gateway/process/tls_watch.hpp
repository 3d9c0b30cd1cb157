// Certificates that are renewed while the gateway runs.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "conf/config.hpp"
#include "gateway/process/tls_contexts.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

// What is to be seen of a file without reading it; changes when it is written, replaced or its symbolic link
// is moved (as Kubernetes does with the files of a Secret).
struct FileStamp {
  std::filesystem::file_time_type written{};
  std::uintmax_t size = 0;
  std::uintmax_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};

// Looks at the files of a configuration's TLS contexts from time to time. When one has changed, and stands
// still since the look before (a key follows its certificate a moment later), all contexts are built anew on
// a thread of their own and handed over on control's; a fault is logged and the old ones stay. Control thread
// only.
class TlsWatch {
 public:
  using Change = std::function<void(std::shared_ptr<const TlsContexts>)>;

  TlsWatch(boost::asio::io_context& context, std::shared_ptr<const conf::Config> config,
           std::shared_ptr<net::TicketKeys> keys, std::shared_ptr<spdlog::logger> log, Change change);
  ~TlsWatch();
  TlsWatch(const TlsWatch&) = delete;
  TlsWatch& operator=(const TlsWatch&) = delete;

  // Looks now, as the timer does.
  void look();

 private:
  using Stamps = std::map<std::string, FileStamp>;
  void arm();
  void build();
  void take(TlsContexts contexts, const conf::ConfigErrors& faults);
  [[nodiscard]] Stamps stamps() const;

  boost::asio::io_context& context_;
  const std::shared_ptr<const conf::Config> config_;
  const std::shared_ptr<net::TicketKeys> keys_;
  const std::shared_ptr<spdlog::logger> log_;
  const Change change_;
  const std::vector<std::string> files_;
  boost::asio::steady_timer timer_;
  Stamps built_;  // what the contexts in use, or refused last, were built from
  Stamps seen_;   // by the look before
  bool building_ = false;
  std::thread builder_;
};

// Every file that a configuration's TLS contexts are built from.
[[nodiscard]] std::vector<std::string> tls_files(const conf::Config& config);

}  // namespace tidegate::gateway
