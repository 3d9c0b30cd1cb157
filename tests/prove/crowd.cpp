#include "tests/prove/crowd.hpp"

#include "tests/prove/fetch.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

// A client that was refused or sent away waits so long before it comes again. Without it, one pod that closes
// every socket at once would be asked thousands of times a second, and the share of failures would tell of
// that alone.
constexpr milliseconds shortest_rest{100};
constexpr milliseconds longest_rest{300};

}  // namespace

Crowd::Crowd(asio::io_context& context, Load& load, unsigned size, unsigned first_client)
    : context_(context), load_(load) {
  for (unsigned i = 0; i < size; ++i) clients_.push_back({first_client + i, 0, nullptr});
}

void Crowd::start() {
  for (std::size_t i = 0; i < clients_.size(); ++i) converse(i);
}

void Crowd::add_client() {
  const unsigned number = clients_.empty() ? 0 : clients_.back().number + 1;
  clients_.push_back({number, 0, nullptr});
  converse(clients_.size() - 1);
}

void Crowd::converse(std::size_t index) {
  auto& client = clients_[index];
  client.conversation =
      std::make_shared<Conversation>(context_, load_, client.number, ++client.conversations);
  ++begun_;
  ++active_;
  if (finishing_) client.conversation->wind_up();
  client.conversation->start([this, index](bool completed) { after_conversation(index, completed); });
}

void Crowd::after_conversation(std::size_t index, bool completed) {
  --active_;
  clients_[index].conversation.reset();
  if (finishing_) return;
  if (completed) return converse(index);
  std::uniform_int_distribution<milliseconds::rep> rest(shortest_rest.count(), longest_rest.count());
  auto timer = std::make_shared<asio::steady_timer>(context_, milliseconds(rest(load_.random)));
  timer->async_wait([this, index, timer](boost::system::error_code) {
    if (!finishing_) converse(index);
  });
}

bool Crowd::all_answered() const {
  return load_.tally.handshakes == begun_;
}

asio::awaitable<void> Crowd::finish() {
  finishing_ = true;
  for (auto& client : clients_) {
    if (client.conversation) client.conversation->wind_up();
  }
  while (active_ > 0) co_await pause(milliseconds(10));
}

}  // namespace tidegate::prove
