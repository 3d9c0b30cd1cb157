// Fetches the OCSP responses of the certificates that are configured so, and keeps them fresh.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/observe/staple_state.hpp"
#include "gateway/process/ocsp_fetch.hpp"
#include "gateway/process/staple_files.hpp"
#include "gateway/process/staple_schedule.hpp"
#include "wire/net/tls_server.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

struct StaplerOptions {
  std::function<net::WallTime()> now = [] { return std::chrono::system_clock::now(); };
  StaplePace pace;
  OcspFetchLimits limits;
  int at_once = 8;          // fetches
  std::string folder = {};  // where responses outlive this process; empty: they do not
};

// A response is verified before any client sees it, and sent until a newer one comes or it expires: what its
// responder says meanwhile, that the certificate is revoked too, goes to the log. Certificates are told apart
// by file, responder and request, so that several listeners with the same one cause one fetch. Control thread
// only; the context must not run once this is destroyed.
class Stapler {
 public:
  using Servers = std::vector<std::shared_ptr<const net::TlsServer>>;  // null: clear text

  Stapler(boost::asio::io_context& context, std::shared_ptr<spdlog::logger> log, StaplerOptions options = {});
  ~Stapler();
  Stapler(const Stapler&) = delete;
  Stapler& operator=(const Stapler&) = delete;

  // Serves these from now on, and those before no longer. What is known of certificates that are the same
  // goes over at once, for one whose file is faulty now too; what is missing is fetched, which this does not
  // wait for.
  void adopt(const Servers& servers);
  // Begins what is due now, as the timer does.
  void look();
  [[nodiscard]] std::vector<StapleState> report() const;

 private:
  struct Key {
    std::string file;
    std::string responder;  // empty: nothing is fetched
    std::string request;    // or a digest of the certificate, if nothing is fetched
    bool operator<(const Key& other) const {
      return std::tie(file, responder, request) < std::tie(other.file, other.responder, other.request);
    }
  };
  struct Subject {
    std::vector<std::shared_ptr<net::TlsStaple>> staples;  // not empty; one per listener
    std::shared_ptr<const net::OcspResponse> response;     // the one in use, perhaps expired
    net::WallTime asked = {};
    net::WallTime next = net::WallTime::min();
    int failures = 0;
    std::array<std::uint64_t, staple_results> fetches = {};
    std::unique_ptr<OcspFetch> fetch;  // in progress
  };
  using Subjects = std::map<Key, Subject>;

  static Key key_of(const net::Certificate& certificate, const net::TlsStaple& staple);
  void enlist(Subjects& subjects, const Key& key, const std::shared_ptr<net::TlsStaple>& staple);
  // Takes up what a process before this one has left.
  void recall(const Key& key, Subject& subject, const net::OcspInquiry& inquiry);
  void begin(const Key& key, Subject& subject);
  void end(const Key& key, OcspFetch::Result result);
  void take(const Key& key, Subject& subject, net::OcspResponse response);
  void fail(const Key& key, Subject& subject, StapleResult result, const std::string& why);
  void arm();
  [[nodiscard]] Subjects::iterator earliest();

  boost::asio::io_context& context_;
  const std::shared_ptr<spdlog::logger> log_;
  const StaplerOptions options_;
  const StapleFiles files_;
  Subjects subjects_;
  boost::asio::steady_timer timer_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace tidegate::gateway
