// One channel of c-ares on an io_context: its sockets, its timeouts, its answers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "upstream/discovery/dns/answer.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::upstream::dns {

struct ChannelSettings {
  std::vector<std::string> servers;  // `10.0.0.10:53`, `[::1]:53`; asked in this order
  std::chrono::milliseconds timeout{
      0};         // for one server's answer; c-ares before 1.22 doubles it at the second try
  int tries = 1;  // of each server
};

// Truncated answers are asked for again over TCP. The io_context's thread only.
class AresChannel {
 public:
  using Callback = std::function<void(Answer)>;

  // Throws std::runtime_error with c-ares' reason.
  AresChannel(boost::asio::io_context& context, const ChannelSettings& settings);
  // Drops the questions under way: their callbacks are not called. Not to be called from within a callback.
  ~AresChannel();
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  // Asks for an absolute name. The callback may come from within this call, or later from the io_context; it
  // may ask further questions.
  void ask(const std::string& name, RecordType type, Callback callback);

 private:
  class Sockets;
  std::shared_ptr<Sockets> sockets_;
};

}  // namespace tidegate::upstream::dns
