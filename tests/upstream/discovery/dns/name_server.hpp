// Name servers in the hands of a test.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "tests/bench/child.hpp"
#include "tests/support/temporary_folder.hpp"

namespace tidegate::test {

// Debian's unbound on loopback as the authority for `test`, `local` and 10.in-addr.arpa, with the records
// that it is told. Negative answers are true for a second.
class NameServer {
 public:
  // Throws Missing where there is no unbound, Unexpected if it does not start.
  NameServer();

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // `soketi.test. 1 IN A 10.0.0.1`
  void add(const std::string& record) { control("local_data " + record); }
  // All records of a name.
  void remove(const std::string& name) { control("local_data_remove " + name); }
  // Whether a name, and all below it, is answered with REFUSED.
  void refuse(const std::string& name, bool refuses);

  // Ends it, and starts it again at the same address without the records that it was told.
  void stop() { process_.end(); }
  void start();
  // It keeps its sockets, and answers nothing.
  void pause();
  void resume();

 private:
  void control(const std::string& command) const;
  [[nodiscard]] bool answers() const;
  void write_configuration() const;

  TemporaryFolder folder_;
  std::uint16_t port_ = 0;
  bench::Child process_;
};

// Answers every question over UDP with a code and no records, or not at all, and counts them.
class CodeServer {
 public:
  CodeServer(boost::asio::io_context& context, std::optional<unsigned> code);

  [[nodiscard]] std::string address() const;
  [[nodiscard]] int asked() const { return asked_; }

 private:
  void receive();

  boost::asio::ip::udp::socket socket_;
  std::optional<unsigned> code_;  // none: silence
  boost::asio::ip::udp::endpoint peer_;
  std::array<std::uint8_t, 2048> bytes_{};
  int asked_ = 0;
};

}  // namespace tidegate::test
