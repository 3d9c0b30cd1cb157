// The process that this one takes over from, as this one sees it: see upgrade.hpp for the whole.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "gateway/handover/channel.hpp"
#include "gateway/handover/inventory.hpp"
#include "gateway/process/started_with.hpp"

namespace tidegate::gateway {

class Predecessor {
 public:
  // How the one that takes over takes what comes.
  struct Heir {
    // Finds places for the tunnels of a batch; the result says which have one. They are kept for `commit`.
    std::function<TakenTunnels(const TunnelBatch&, std::vector<net::UniqueFd>)> find_places;
    std::function<void()> commit;
    std::function<void()> drop;  // in place of `commit`: the other process keeps them
    std::function<void(const std::vector<RemainingPlaces>&)> remaining;
  };

  // Nothing if this process was started in the ordinary way. Before there are threads.
  [[nodiscard]] static std::unique_ptr<Predecessor> of_environment();

  explicit Predecessor(net::UniqueFd channel) : channel_(std::move(channel)) {}

  // Introduces this process and takes what it is handed besides tunnels; the sockets go into `started`.
  // Throws HandoverFault, as the following do.
  void greet(StartedWith& started);
  [[nodiscard]] const Inventory& inventory() const { return inventory_; }
  // Tells why nothing comes of it, if it is still there.
  void say_failed(const std::string& why) noexcept;
  // Says that this process could serve and takes the tunnels. When it returns they are its own, and so is
  // what comes in by the sockets.
  void take_over(const Heir& heir);
  // Takes what the other process sends from now on, until that ends; `remaining` is empty then.
  void follow(boost::asio::io_context& context, Heir heir);
  // Ends that, before the context or what `heir` uses does.
  void unfollow() { watched_.reset(); }

 private:
  void take_tunnels(const Heir& heir, HandoverMessage message);
  void await_more();
  void take_next();

  HandoverChannel channel_;
  Inventory inventory_;
  Heir heir_;
  std::optional<boost::asio::posix::stream_descriptor> watched_;
};

}  // namespace tidegate::gateway
