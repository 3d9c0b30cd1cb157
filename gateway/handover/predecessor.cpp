#include "gateway/handover/predecessor.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "gateway/handover/archive.hpp"
#include "gateway/handover/successor.hpp"
#include "gateway/process/version.hpp"

namespace tidegate::gateway {
namespace {

using Clock = HandoverChannel::Clock;

constexpr std::chrono::seconds kAnswer{10};   // of a process that waits for us
constexpr std::chrono::seconds kTunnels{60};  // it may have much to freeze
constexpr std::chrono::seconds kCommit{2};    // as long as it waits for us

template <class Value>
Value unpacked(const HandoverMessage& message) {
  Unpacker bytes(message.bytes);
  Value value{};
  bytes(value);
  if (!bytes.is_done()) throw HandoverFault("what the other process hands over is not whole");
  return value;
}

}  // namespace

std::unique_ptr<Predecessor> Predecessor::of_environment() {
  const char* const value = std::getenv(handover_variable);
  if (value == nullptr) return nullptr;
  const int descriptor = std::atoi(value);
  ::unsetenv(handover_variable);
  if (descriptor < 3 || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return nullptr;
  return std::make_unique<Predecessor>(net::UniqueFd(descriptor));
}

void Predecessor::greet(StartedWith& started) {
  channel_.send(HandoverKind::hello, packed(HandoverGreeting{handover_format, std::string(version())}),
                Clock::now() + kAnswer);
  auto message = channel_.expect(HandoverKind::inventory, Clock::now() + kAnswer);
  inventory_ = unpacked<Inventory>(message);
  const auto listening = inventory_.lent.size();
  const auto expected =
      listening + (inventory_.admin.empty() ? 0U : 1U) + (inventory_.commands.empty() ? 0U : 1U);
  auto& sockets = message.descriptors;
  if (sockets.size() != expected) throw HandoverFault("sockets are missing that were announced");
  for (std::size_t i = 0; i < listening; ++i) {
    const auto fault = started.sockets.add(std::move(sockets[i]), inventory_.lent[i] != 0);
    if (!fault.empty()) throw HandoverFault("what should be a listening socket is " + fault);
  }
  started.held = true;
  if (!inventory_.commands.empty()) started.commands = {inventory_.commands, std::move(sockets.back())};
  if (!inventory_.admin.empty()) started.admin = {inventory_.admin, std::move(sockets[listening])};
}

void Predecessor::say_failed(const std::string& why) noexcept {
  try {
    channel_.send(HandoverKind::failed, why, Clock::now() + kAnswer);
  } catch (const std::exception&) {  // it has gone on without us, or not at all
  }
}

void Predecessor::take_over(const Heir& heir) {
  channel_.send(HandoverKind::ready, {}, Clock::now() + kAnswer);
  take_tunnels(heir, channel_.expect(HandoverKind::tunnels, Clock::now() + kTunnels));
}

void Predecessor::take_tunnels(const Heir& heir, HandoverMessage message) {
  const auto batch = unpacked<TunnelBatch>(message);
  if (message.descriptors.size() != 2 * batch.tunnels.size())
    throw HandoverFault("a WebSocket has come without its descriptors");
  try {
    const auto taken = heir.find_places(batch, std::move(message.descriptors));
    channel_.send(HandoverKind::taken, packed(taken), Clock::now() + kCommit);
    (void)channel_.expect(HandoverKind::commit, Clock::now() + kCommit);
    channel_.send(HandoverKind::committed, {}, Clock::now() + kCommit);
  } catch (...) {
    heir.drop();
    throw;
  }
  heir.commit();
}

void Predecessor::follow(boost::asio::io_context& context, Heir heir) {
  heir_ = std::move(heir);
  watched_.emplace(context, ::fcntl(channel_.descriptor(), F_DUPFD_CLOEXEC, 0));
  await_more();
}

void Predecessor::await_more() {
  watched_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (!error) take_next();
                       });
}

void Predecessor::take_next() {
  try {
    auto message = channel_.receive(Clock::now() + kCommit);
    if (message.kind == HandoverKind::tunnels) {
      take_tunnels(heir_, std::move(message));
    } else if (message.kind == HandoverKind::remaining) {
      heir_.remaining(unpacked<std::vector<RemainingPlaces>>(message));
    } else {
      throw HandoverFault("the other process says something unexpected");
    }
    await_more();
  } catch (const std::exception&) {  // it has ended, which is how this ends
    watched_.reset();
    heir_.remaining({});
  }
}

}  // namespace tidegate::gateway
