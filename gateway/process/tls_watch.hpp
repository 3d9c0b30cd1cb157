// Certificates that are renewed while the gateway runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "conf/config.hpp"
#include "gateway/process/tls_build.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

// Looks at the files of a configuration's TLS contexts from time to time. When one has changed, and stands
// still since the look before (a key follows its certificate a moment later), what is made of it is built
// anew on a thread of their own and handed over on control's; a fault is logged and the old ones stay.
// Control thread only.
class TlsWatch {
 public:
  using Change = std::function<void(TlsBuild)>;

  TlsWatch(boost::asio::io_context& context, std::shared_ptr<net::TicketKeys> keys,
           std::shared_ptr<spdlog::logger> log, Change change);
  ~TlsWatch();
  TlsWatch(const TlsWatch&) = delete;
  TlsWatch& operator=(const TlsWatch&) = delete;

  // Watches the files of these from now on, also if they have changed since they were read; what is being
  // built for those before is dropped.
  void watch(TlsBuild current);
  // Looks now, as the timer does.
  void look();

 private:
  void arm();
  void build();
  void take(TlsBuild built, const conf::ConfigErrors& faults);

  boost::asio::io_context& context_;
  const std::shared_ptr<net::TicketKeys> keys_;
  const std::shared_ptr<spdlog::logger> log_;
  const Change change_;
  TlsBuild current_;
  std::vector<std::string> files_;
  boost::asio::steady_timer timer_;
  net::FileStamps built_;  // what the contexts in use, or refused last, were built from
  net::FileStamps seen_;   // by the look before
  bool building_ = false;
  std::thread builder_;
};

}  // namespace tidegate::gateway
