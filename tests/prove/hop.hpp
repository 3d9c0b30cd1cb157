// The program between clients and pods: its configuration, its start and its end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/prove/options.hpp"
#include "tests/prove/process.hpp"

namespace tidegate::prove {

// Where everything of a run is; the addresses of 127.0.0.1.
struct Layout {
  std::string directory;  // for configuration and logs
  std::uint16_t hop_port = 0;
  std::uint16_t admin_port = 0;
  std::uint16_t web_port = 0;    // Trial::reload: a listener with TLS
  std::uint16_t spare_port = 0;  // and one that comes and goes
  std::string certificate;       // and its key and authority, PEM files; empty: none is asked for
  std::string key;
  std::string authority;
  std::string kubeconfig;              // Trial::kubernetes: where the endpoints are told
  std::vector<std::string> upstreams;  // `host:port` of each pod, or of the service in front of them
};

// What the gateway is configured to say to the sockets of a pod that it drains.
inline constexpr std::uint16_t drain_code = 4242;
inline constexpr std::string_view drain_reason = "pod is rolled";

// The configuration files. Pure.
[[nodiscard]] std::string tidegate_configuration(const Options& options, const Layout& layout);
[[nodiscard]] std::string nginx_configuration(const Options& options, const Layout& layout);
[[nodiscard]] std::string haproxy_configuration(const Options& options, const Layout& layout);

// What the gateway did unseen, summed from its metrics: a name for people, and the count.
using HiddenWork = std::map<std::string, std::uint64_t>;
[[nodiscard]] HiddenWork hidden_work(const std::string& metrics);

class Hop {
 public:
  [[nodiscard]] const Layout& layout() const { return layout_; }
  // Finds the program; throws Missing.
  Hop(boost::asio::io_context& context, const Options& options, Layout layout);

  // Writes the configuration, starts the program and waits until it passes a request to a pod; throws
  // std::runtime_error with the end of its log if it does not.
  boost::asio::awaitable<void> start();
  // Has the running gateway do something: `tidegate WORDS...`. Throws std::runtime_error if it does not.
  boost::asio::awaitable<void> order(std::vector<std::string> words);
  // Puts another configuration in the place of the one it was started with, and has it reload, as the command
  // does it: over its admin socket. Throws std::runtime_error if it does not.
  boost::asio::awaitable<void> reload(std::string configuration);
  // What the gateway says of an endpoint, such as "ready"; empty if it does not know it.
  boost::asio::awaitable<std::string> state_of(std::string address) const;
  // The gateway's metrics; none for the others.
  boost::asio::awaitable<std::optional<HiddenWork>> read_hidden_work() const;
  // Ends it; how it ended and what processor time it took.
  boost::asio::awaitable<Exit> end();

  [[nodiscard]] boost::asio::ip::tcp::endpoint address() const;
  // Whether it is still running: a hop that crashed must not pass for one without failures.
  [[nodiscard]] bool running();
  [[nodiscard]] pid_t id() const { return process_->id(); }

 private:
  [[nodiscard]] std::vector<std::string> command() const;
  [[nodiscard]] std::string file() const;
  [[nodiscard]] std::string log() const { return layout_.directory + "/hop.log"; }

  boost::asio::io_context& context_;
  const Options& options_;
  Layout layout_;
  std::string program_;
  std::unique_ptr<Process> process_;
};

}  // namespace tidegate::prove
