// How many lines of the error log failures of one kind get. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/observe/access_record.hpp"

namespace tidegate::gateway {

// What failures have in common that are said together: who floods one limit, route or endpoint does not
// silence the others. All texts are the configuration's and none the clients', so that there are few kinds.
struct FailureKind {
  FailureReason reason{};
  std::string_view upstream;
  std::string_view route;
  std::string_view limit;
  std::string_view listener;  // where there was no route yet
  std::string_view endpoint;  // the last that was tried, where the failure is its own

  bool operator==(const FailureKind&) const = default;
};

[[nodiscard]] FailureKind kind_of(const AccessRecord& record);

// Lets the first `burst` failures of a kind through in each window and counts the others. Bounded: beyond
// `most_kinds` all those of one reason are one kind.
class FailureLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::uint32_t burst = 5;
  static constexpr std::chrono::seconds window{10};
  static constexpr std::size_t most_kinds = 128;

  // A kind as text, and what became of it.
  class Summary {
   public:
    Summary(const FailureKind& kind, std::uint64_t count);
    [[nodiscard]] FailureReason reason() const { return reason_; }
    // ` upstream=soketi endpoint=10.0.0.1:80`, escaped; empty if the reason is all there is.
    [[nodiscard]] const std::string& subject() const { return subject_; }
    [[nodiscard]] std::uint64_t suppressed() const { return suppressed_; }

   private:
    FailureReason reason_;
    std::string subject_;
    std::uint64_t suppressed_;
  };

  // A window that is over ends in `expire`, so call that first.
  [[nodiscard]] bool admit(const FailureKind& kind, TimePoint now);
  // Ends the windows that are over; the result is empty if nothing was suppressed in them.
  [[nodiscard]] std::vector<Summary> expire(TimePoint now);
  // Ends all windows, for shutdown.
  [[nodiscard]] std::vector<Summary> finish();

 private:
  // Owns what it views.
  struct Entry {
    explicit Entry(const FailureKind& from, TimePoint now);
    [[nodiscard]] FailureKind kind() const { return {reason, upstream, route, limit, listener, endpoint}; }

    FailureReason reason;
    std::string upstream;
    std::string route;
    std::string limit;
    std::string listener;
    std::string endpoint;
    TimePoint began;
    std::uint32_t admitted = 1;
    std::uint64_t suppressed = 0;
  };
  [[nodiscard]] Entry* find(const FailureKind& kind);

  std::vector<Entry> entries_;  // few: those failing now
};

}  // namespace tidegate::gateway
