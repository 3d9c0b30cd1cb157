#include "gateway/handover/channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace tidegate::gateway {
namespace {

constexpr std::uint32_t kMagic = 0x74676831;          // of a message's first packet
constexpr std::size_t kPacket = 64 * 1024;            // bytes
constexpr std::size_t kDescriptors = 250;             // in one packet; Linux allows 253
constexpr std::uint64_t kMostBytes = 4ULL << 30;      // of a message
constexpr std::uint64_t kMostDescriptors = 1U << 21;  // likewise

constexpr std::int64_t kSlice = 100;  // milliseconds between two looks whether to stop

struct Head {
  std::uint32_t magic = kMagic;
  std::uint32_t kind = 0;
  std::uint64_t bytes = 0;
  std::uint64_t descriptors = 0;
};

std::string reason(int error) {
  return std::system_category().message(error);
}

// Room for the descriptors of one packet, aligned as cmsghdr wants it.
struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptors * sizeof(int))> bytes{};
};

}  // namespace

HandoverEnds open_handover() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    throw HandoverFault("cannot open a socket between two processes: " + reason(errno));
  return {net::UniqueFd(ends[0]), net::UniqueFd(ends[1])};
}

void HandoverChannel::wait(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) throw HandoverFault("the other process was not heard of in time");
    if (stopping_ != nullptr && *stopping_) throw HandoverFault("this process is ending");
    pollfd polled{socket_.get(), events, 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(left, kSlice)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw HandoverFault("poll: " + reason(errno));
  }
}

void HandoverChannel::send_packet(const void* bytes, std::size_t size, const int* descriptors,
                                  std::size_t count, Clock::time_point deadline) {
  iovec piece{const_cast<void*>(bytes), size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  ControlBuffer control;
  if (count > 0) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    auto* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
  }
  while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    // Too many descriptors are on their way: the other side has to take some first.
    if (errno == ETOOMANYREFS && Clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      throw HandoverFault("the other process is gone: " + reason(errno));
    wait(POLLOUT, deadline);
  }
}

void HandoverChannel::send(HandoverKind kind, const std::string& bytes, const std::vector<int>& descriptors,
                           Clock::time_point deadline) {
  Head head;
  head.kind = static_cast<std::uint32_t>(kind);
  head.bytes = bytes.size();
  head.descriptors = descriptors.size();
  send_packet(&head, sizeof head, nullptr, 0, deadline);
  for (std::size_t at = 0; at < descriptors.size(); at += kDescriptors) {
    const char mark = 0;  // a packet has at least one byte
    send_packet(&mark, 1, descriptors.data() + at, std::min(kDescriptors, descriptors.size() - at), deadline);
  }
  for (std::size_t at = 0; at < bytes.size(); at += kPacket)
    send_packet(bytes.data() + at, std::min(kPacket, bytes.size() - at), nullptr, 0, deadline);
}

std::size_t HandoverChannel::receive_packet(void* bytes, std::size_t size,
                                            std::vector<net::UniqueFd>& descriptors,
                                            Clock::time_point deadline) {
  iovec piece{bytes, size};
  msghdr message{};
  ControlBuffer control;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  for (;;) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const auto count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      wait(POLLIN, deadline);
      continue;
    }
    if (count < 0) throw HandoverFault("the other process is gone: " + reason(errno));
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      const auto received = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < received; ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
        descriptors.emplace_back(descriptor);
      }
    }
    if (count == 0) throw HandoverFault("the other process has ended");
    if ((message.msg_flags & MSG_CTRUNC) != 0)
      throw HandoverFault("this process has no descriptors left for what the other hands over");
    if ((message.msg_flags & MSG_TRUNC) != 0) throw HandoverFault("a packet is longer than expected");
    return static_cast<std::size_t>(count);
  }
}

HandoverMessage HandoverChannel::receive(Clock::time_point deadline) {
  HandoverMessage message;
  Head head;
  if (receive_packet(&head, sizeof head, message.descriptors, deadline) != sizeof head ||
      head.magic != kMagic || head.bytes > kMostBytes || head.descriptors > kMostDescriptors)
    throw HandoverFault("the other process does not speak as a gateway does");
  message.kind = static_cast<HandoverKind>(head.kind);
  while (message.descriptors.size() < head.descriptors) {
    char mark = 0;
    const auto before = message.descriptors.size();
    (void)receive_packet(&mark, 1, message.descriptors, deadline);
    if (message.descriptors.size() == before) throw HandoverFault("a packet is without its descriptors");
  }
  while (message.bytes.size() < head.bytes) {
    const auto at = message.bytes.size();
    message.bytes.resize(at + std::min<std::size_t>(kPacket, head.bytes - at));
    const auto count =
        receive_packet(message.bytes.data() + at, message.bytes.size() - at, message.descriptors, deadline);
    message.bytes.resize(at + count);
  }
  if (message.descriptors.size() != head.descriptors) throw HandoverFault("there are too many descriptors");
  return message;
}

HandoverMessage HandoverChannel::expect(HandoverKind kind, Clock::time_point deadline) {
  auto message = receive(deadline);
  if (message.kind == HandoverKind::failed) throw HandoverFault(message.bytes);
  if (message.kind != kind) throw HandoverFault("the other process says something unexpected");
  return message;
}

}  // namespace tidegate::gateway
