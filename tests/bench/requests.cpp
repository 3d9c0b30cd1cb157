#include "tests/bench/requests.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <strings.h>
#include <sys/epoll.h>

#include "tests/bench/link.hpp"

namespace tidegate::bench {
namespace {

constexpr int patience_ms = 20'000;

struct Client {
  Link link;
  std::string answer;
  bool open = false;
  std::chrono::steady_clock::time_point asked{};
};

std::size_t content_length(std::string_view head) {
  constexpr std::string_view name = "\r\ncontent-length:";
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at);
    if (line.size() > name.size() && ::strncasecmp(line.data(), name.data(), name.size()) == 0) {
      return std::strtoul(line.data() + name.size(), nullptr, 10);
    }
  }
  throw std::runtime_error("requests: an answer without Content-Length");
}

// Whether `answer` is one whole answer.
bool is_whole(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  if (answer.rfind("HTTP/1.1 200", 0) != 0) {
    throw std::runtime_error("requests: " + answer.substr(0, answer.find('\r')));
  }
  return answer.size() >= end + 4 + content_length(std::string_view(answer).substr(0, end + 2));
}

class Requests {
 public:
  Requests(std::uint16_t port, std::size_t connections, std::uint64_t total, bool tls)
      : request_("GET /path/of/some/length?with=query HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                 "\r\nUser-Agent: tidegate-bench\r\nAccept: */*\r\n\r\n"),
        total_(total),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        clients_(connections) {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      clients_[i].link = Link::begin(port, tls);
      watch(i, EPOLLOUT, EPOLL_CTL_ADD);
    }
  }

  // Where to put how long each request took.
  void keep_times(std::vector<std::chrono::nanoseconds>& times) { times_ = &times; }

  void run() {
    std::array<epoll_event, 256> events{};
    while (answered_ < total_) {
      const int count =
          ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), patience_ms);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) throw std::runtime_error("requests: nothing has moved for 20 s");
      for (int i = 0; i < count; ++i) advance(events[static_cast<std::size_t>(i)].data.u64);
    }
  }

 private:
  void watch(std::size_t index, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = index;
    ::epoll_ctl(epoll_.get(), operation, clients_[index].link.descriptor(), &event);
  }

  void advance(std::size_t index) {
    auto& client = clients_[index];
    if (!client.open) {
      client.open = client.link.open();
      watch(index, client.link.awaited(), EPOLL_CTL_MOD);
      if (client.open) ask(client);
      return;
    }
    const auto count = client.link.receive(scratch_);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) throw std::runtime_error("requests: a connection ended");
    client.answer.append(scratch_.data(), static_cast<std::size_t>(count));
    if (!is_whole(client.answer)) return;
    client.answer.clear();
    if (times_ != nullptr) times_->push_back(std::chrono::steady_clock::now() - client.asked);
    ++answered_;
    ask(client);
  }

  void ask(Client& client) {
    if (sent_ == total_) return;
    ++sent_;
    if (times_ != nullptr) client.asked = std::chrono::steady_clock::now();
    if (!client.link.send(request_)) throw std::runtime_error("requests: a connection was reset");
  }

  std::string request_;
  std::uint64_t total_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  net::UniqueFd epoll_;
  std::vector<Client> clients_;
  std::vector<std::chrono::nanoseconds>* times_ = nullptr;
  std::array<char, 16 * 1024> scratch_{};
};

}  // namespace

void send_requests(std::uint16_t port, std::size_t connections, std::uint64_t total, bool tls) {
  Requests(port, connections, total, tls).run();
}

std::vector<std::chrono::nanoseconds> time_requests(std::uint16_t port, std::size_t connections,
                                                    std::uint64_t total) {
  std::vector<std::chrono::nanoseconds> times;
  times.reserve(total);
  Requests requests(port, connections, total, false);
  requests.keep_times(times);
  requests.run();
  return times;
}

}  // namespace tidegate::bench
