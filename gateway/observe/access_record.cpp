#include "gateway/observe/access_record.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace tidegate::gateway {

namespace {

static_assert(std::is_trivially_copyable_v<AccessNumbers>);

// The texts of a record in the order they are kept.
constexpr std::array texts{
    &AccessRecord::client_address, &AccessRecord::server_address,
    &AccessRecord::remote_user,    &AccessRecord::method,
    &AccessRecord::target,         &AccessRecord::version,
    &AccessRecord::host,           &AccessRecord::referer,
    &AccessRecord::user_agent,     &AccessRecord::x_forwarded_for,
    &AccessRecord::request_id,     &AccessRecord::route,
    &AccessRecord::upstream,       &AccessRecord::failure_details,
};

// An attempt without its address.
struct KeptAttempt {
  AttemptOutcome outcome;
  bool reused;
  std::uint16_t status;
  std::chrono::microseconds connect;
  std::chrono::microseconds header;
  std::chrono::microseconds total;
};

struct KeptHead {
  AccessNumbers numbers;
  std::uint32_t attempts_total;
  std::uint32_t attempts_kept;
};

using Length = std::uint16_t;
static_assert(KeptRecord::longest_text <= UINT16_MAX);

std::string_view cut(std::string_view text) {
  return text.substr(0, KeptRecord::longest_text);
}

// Writes and reads values one behind the other; memcpy because they are not aligned.
class Packer {
 public:
  explicit Packer(char* at) : at_(at) {}
  template <class T>
  void put(const T& value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void put_text(std::string_view text) {
    put(static_cast<Length>(text.size()));
    std::copy(text.begin(), text.end(), at_);
    at_ += text.size();
  }

 private:
  char* at_;
};

class Unpacker {
 public:
  explicit Unpacker(const char* at) : at_(at) {}
  template <class T>
  T get() {
    T value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string_view get_text() {
    const auto length = get<Length>();
    const std::string_view text(at_, length);
    at_ += length;
    return text;
  }

 private:
  const char* at_;
};

std::size_t packed_size(const AccessRecord& record) {
  std::size_t size = sizeof(KeptHead);
  for (const auto text : texts) size += sizeof(Length) + cut(record.*text).size();
  for (const auto& attempt : record.attempts.kept()) {
    size += sizeof(KeptAttempt) + sizeof(Length) + cut(attempt.endpoint).size();
  }
  return size;
}

}  // namespace

void AttemptList::push_back(const Attempt& attempt) {
  ++total_;
  if (size_ < capacity) {
    kept_[size_++] = attempt;
    return;
  }
  std::move(kept_.begin() + capacity / 2 + 1, kept_.end(), kept_.begin() + capacity / 2);
  kept_.back() = attempt;
}

KeptRecord::KeptRecord(const AccessRecord& record) {
  const auto size = packed_size(record);
  block_.reset(new char[size]);
  size_ = static_cast<std::uint32_t>(size);
  Packer packer(block_.get());
  const auto attempts = record.attempts.kept();
  const AccessNumbers& numbers = record;
  packer.put(KeptHead{numbers, record.attempts.total(), static_cast<std::uint32_t>(attempts.size())});
  for (const auto text : texts) packer.put_text(cut(record.*text));
  for (const auto& a : attempts) {
    packer.put(KeptAttempt{a.outcome, a.reused, a.status, a.connect, a.header, a.total});
    packer.put_text(cut(a.endpoint));
  }
}

AccessRecord KeptRecord::record() const {
  AccessRecord record;
  if (!block_) return record;
  Unpacker unpacker(block_.get());
  const auto head = unpacker.get<KeptHead>();
  static_cast<AccessNumbers&>(record) = head.numbers;
  for (const auto text : texts) record.*text = unpacker.get_text();
  for (std::uint32_t i = 0; i < head.attempts_kept; ++i) {
    const auto kept = unpacker.get<KeptAttempt>();
    record.attempts.push_back(
        {unpacker.get_text(), kept.outcome, kept.reused, kept.status, kept.connect, kept.header, kept.total});
  }
  record.attempts.set_total(head.attempts_total);
  return record;
}

std::string_view name_of(AttemptOutcome outcome) {
  switch (outcome) {
    case AttemptOutcome::answered: return "answered";
    case AttemptOutcome::refused: return "refused";
    case AttemptOutcome::connect_timeout: return "connect_timeout";
    case AttemptOutcome::unreachable: return "unreachable";
    case AttemptOutcome::connect_failed: return "connect_failed";
    case AttemptOutcome::no_local_port: return "no_local_port";
    case AttemptOutcome::no_local_resources: return "no_local_resources";
    case AttemptOutcome::tls_failed: return "tls_failed";
    case AttemptOutcome::stale: return "stale";
    case AttemptOutcome::reset: return "reset";
    case AttemptOutcome::closed: return "closed";
    case AttemptOutcome::write_timeout: return "write_timeout";
    case AttemptOutcome::response_timeout: return "response_timeout";
    case AttemptOutcome::bad_answer: return "bad_answer";
    case AttemptOutcome::upgrade_failed: return "upgrade_failed";
    case AttemptOutcome::repicked: return "repicked";
    case AttemptOutcome::full: return "full";
    case AttemptOutcome::abandoned: return "abandoned";
    case AttemptOutcome::redriven: return "redriven";
  }
  return "unknown";
}

std::string_view name_of(TunnelSide side) {
  switch (side) {
    case TunnelSide::none: return "none";
    case TunnelSide::client: return "client";
    case TunnelSide::pod: return "pod";
    case TunnelSide::gateway: return "gateway";
  }
  return "unknown";
}

std::string_view name_of(TunnelEnd end) {
  switch (end) {
    case TunnelEnd::closed: return "closed";
    case TunnelEnd::client_lost: return "client_lost";
    case TunnelEnd::pod_lost: return "pod_lost";
    case TunnelEnd::idle_timeout: return "idle_timeout";
    case TunnelEnd::lifetime: return "lifetime";
    case TunnelEnd::write_stall: return "write_stall";
    case TunnelEnd::protocol_error: return "protocol_error";
    case TunnelEnd::too_big: return "too_big";
    case TunnelEnd::too_fast: return "too_fast";
    case TunnelEnd::client_silent: return "client_silent";
    case TunnelEnd::pod_silent: return "pod_silent";
    case TunnelEnd::drained: return "drained";
    case TunnelEnd::removed: return "removed";
    case TunnelEnd::rebalanced: return "rebalanced";
    case TunnelEnd::shutdown: return "shutdown";
  }
  return "unknown";
}

}  // namespace tidegate::gateway
