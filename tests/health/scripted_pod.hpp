// A small pod for probes: every accepted connection is answered as the script says at that moment.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "conf/config.hpp"

namespace tidegate::health {

class ScriptedPod {
 public:
  enum class Behaviour {
    answer,   // sends `text` and closes once the peer has
    close,    // reads the request and closes without an answer
    reset,    // reads the request and resets
    stall,    // reads the request and is silent
    drip,     // sends `text` byte by byte, 20 ms apart
    flood,    // sends `text`, then a body without end
    upgrade,  // opens a WebSocket, sends `text` on it, and answers pings and a Close
  };

  // Listens at once, on 127.0.0.1 with a port of the system's choice or on a Unix socket.
  explicit ScriptedPod(boost::asio::io_context& context);
  ScriptedPod(boost::asio::io_context& context, const std::string& unix_path);
  ~ScriptedPod();

  void script(Behaviour behaviour, std::string text = {});
  void answer(int status) { script(Behaviour::answer, head(status)); }
  // Whatever else the script says, a request for this path is answered so.
  void answer_at(const std::string& path, int status) { (*statuses_)[path] = status; }
  // Stops and starts listening at the same address: in between it refuses.
  void stop();
  void listen();

  [[nodiscard]] conf::Address address() const { return address_; }
  // Every request received, whole heads.
  [[nodiscard]] const std::vector<std::string>& requests() const { return *requests_; }
  // What came on its WebSockets: "ping", "close 1000".
  [[nodiscard]] const std::vector<std::string>& frames() const { return *frames_; }
  [[nodiscard]] int accepted() const { return accepted_; }
  // Connections on which the pod has neither sent nor seen an end.
  [[nodiscard]] int open() const { return *open_; }

  static std::string head(int status) {
    return "HTTP/1.1 " + std::to_string(status) + " Scripted\r\nContent-Length: 0\r\n\r\n";
  }

 private:
  class Session;
  void accept();

  conf::Address address_;
  boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol> acceptor_;
  Behaviour behaviour_ = Behaviour::answer;
  std::string text_ = head(200);
  int accepted_ = 0;
  std::shared_ptr<std::vector<std::string>> requests_ = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<std::vector<std::string>> frames_ = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<std::map<std::string, int>> statuses_ = std::make_shared<std::map<std::string, int>>();
  std::shared_ptr<int> open_ = std::make_shared<int>(0);
  std::vector<std::weak_ptr<Session>> sessions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Runs the context until the condition holds; false if it does not within ten seconds.
inline bool run_until(boost::asio::io_context& context, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    context.restart();
    context.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace tidegate::health
