// The clients: each holds one conversation after another until told to stop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/prove/conversation.hpp"

namespace tidegate::prove {

class Crowd {
 public:
  // `first_client` numbers the clients of this crowd; `load` outlives the crowd's conversations.
  Crowd(boost::asio::io_context& context, Load& load, unsigned size, unsigned first_client = 0);
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Starts every client at once.
  void start();
  // Adds one more client and starts it.
  void add_client();
  // Whether every conversation begun has had the answer to its handshake, whatever it was.
  [[nodiscard]] bool all_answered() const;
  // Lets every conversation finish properly and no other begin; returns when all are over, which their own
  // deadlines bound.
  boost::asio::awaitable<void> finish();

 private:
  struct Client {
    unsigned number = 0;
    unsigned conversations = 0;
    std::shared_ptr<Conversation> conversation;
  };

  void converse(std::size_t index);
  void after_conversation(std::size_t index, bool completed);

  boost::asio::io_context& context_;
  Load& load_;
  std::vector<Client> clients_;
  std::size_t begun_ = 0;   // conversations
  std::size_t active_ = 0;  // and those not ended
  bool finishing_ = false;
};

}  // namespace tidegate::prove
