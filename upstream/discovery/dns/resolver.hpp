// Asks name servers, for all sources of the process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conf/discovery.hpp"
#include "upstream/discovery/dns/answer.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::upstream::dns {

// Shared by its sources; every call is made on the io_context's thread, and none blocks but for the reading
// of resolv.conf and hosts, small files, when they have changed.
class Resolver {
 public:
  using Callback = std::function<void(Answer)>;

  struct Options {
    std::string resolv_conf = "/etc/resolv.conf";
    std::string hosts = "/etc/hosts";         // names that stand there are asked of nobody
    std::size_t most_questions = 128;         // under way at once; the others wait in order
    std::uint64_t seed = 0x2545f4914f6cdd1d;  // of the jitter; different in every process
  };

  // Throws std::invalid_argument for a server that is no IP address, with or without port.
  Resolver(boost::asio::io_context& context, conf::Resolver settings);
  Resolver(boost::asio::io_context& context, conf::Resolver settings, Options options);
  // Questions under way end without their callback.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Asks for an absolute name. The callback comes once, from the io_context, never from within this call; it
  // may do anything.
  void ask(std::string name, RecordType type, Callback callback);

  // See `search_names`, by the settings and else by resolv.conf as it is now; a name that stands in hosts is
  // not completed.
  [[nodiscard]] std::vector<std::string> names_for(const std::string& name);

  // The servers that are asked, for messages: `10.96.0.10:53, [::1]:53`.
  [[nodiscard]] std::string servers() const;
  // Evenly from -1 to 1.
  [[nodiscard]] double draw_jitter();
  [[nodiscard]] const conf::Resolver& settings() const;
  [[nodiscard]] boost::asio::io_context& context() const;

 private:
  class Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace tidegate::upstream::dns
