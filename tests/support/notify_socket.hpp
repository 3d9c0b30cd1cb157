// A service manager's end of sd_notify(3): a datagram socket, at a path or at an abstract name.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/patience.hpp"
#include "tests/support/temporary_folder.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::test {

// Used by one thread. What has been received is remembered.
class NotifySocket {
 public:
  explicit NotifySocket(bool abstract = false)
      : address_(*net::SocketAddress::from_path((abstract ? "@" : "") + folder_.file("notify"))),
        socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    if (::bind(socket_.get(), address_.data(), address_.size()) != 0) throw Unexpected("bind");
  }

  [[nodiscard]] const net::SocketAddress& address() const { return address_; }

  // The next one that was not received before.
  std::string receive() const {
    const auto before = heard_.size();
    wait_until("a message", [&] { return read_one(); });
    return heard_[before];
  }
  // Everything so far.
  const std::vector<std::string>& heard() const {
    while (read_one()) continue;
    return heard_;
  }
  [[nodiscard]] bool has_heard(const std::string& message) const {
    const auto& all = heard();
    return std::find(all.begin(), all.end(), message) != all.end();
  }
  // The first message that begins so.
  std::string wait_for(const std::string& beginning) const {
    std::string found;
    wait_until(beginning, [&] {
      for (const auto& message : heard())
        if (message.starts_with(beginning)) found = message;
      return !found.empty();
    });
    return found;
  }
  void forget() const { heard_.clear(); }

  // Fills the queue; how many messages that took.
  [[nodiscard]] std::size_t fill() const {
    // A sender has a bound of its own, too.
    for (std::size_t count = 0;;) {
      const net::UniqueFd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const auto before = count;
      while (::sendto(sender.get(), "x", 1, MSG_NOSIGNAL, address_.data(), address_.size()) == 1) ++count;
      if (count == before) return count;
    }
  }
  // Receives so many, which are not remembered.
  void drain(std::size_t count) const {
    char byte = 0;
    for (; count > 0; --count)
      if (::recv(socket_.get(), &byte, 1, 0) != 1) throw Unexpected("nothing is left to receive");
  }

 private:
  bool read_one() const {
    std::array<char, 8192> buffer{};
    const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) return false;
    heard_.emplace_back(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }

  TemporaryFolder folder_;
  net::SocketAddress address_;
  net::UniqueFd socket_;
  mutable std::vector<std::string> heard_;
};

}  // namespace tidegate::test
