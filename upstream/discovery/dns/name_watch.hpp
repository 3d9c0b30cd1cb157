// Asks for the records of one name, again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "upstream/discovery/dns/name_search.hpp"
#include "upstream/discovery/dns/resolver.hpp"
#include "upstream/discovery/dns/sentences.hpp"

namespace tidegate::upstream::dns {

// Owned by a shared_ptr; it ends when that is gone, and tells nothing after.
class NameWatch : public std::enable_shared_from_this<NameWatch> {
 public:
  // Each time that it was asked, from the io_context; may destroy the watch.
  using Hear = std::function<void(const Finding&)>;

  // `name` is completed by the search list unless it ends in a dot.
  NameWatch(std::shared_ptr<Resolver> resolver, std::string name, std::vector<RecordType> types, Hear hear);

  // To be called once. Asks from the io_context, not from within.
  void begin();

  // For sentences.
  [[nodiscard]] Question question() const { return {name_, types_, resolver_->servers()}; }

 private:
  void wait_until(std::chrono::steady_clock::time_point when);
  void search();
  void ask();
  void take(std::size_t index, Answer answer);
  void finish(const Finding& finding);

  std::shared_ptr<Resolver> resolver_;
  std::string name_;
  std::vector<RecordType> types_;
  Hear hear_;
  boost::asio::steady_timer timer_;
  std::optional<NameSearch> search_;
  std::vector<Answer> answers_;  // for the name that is asked now
  std::size_t missing_ = 0;      // of them
  std::string known_;            // where there were records last
  int failures_ = 0;
};

}  // namespace tidegate::upstream::dns
