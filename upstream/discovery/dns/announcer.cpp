#include "upstream/discovery/dns/announcer.hpp"

#include <utility>

#include "upstream/discovery/dns/sentences.hpp"

namespace tidegate::upstream::dns {

Announcer::Announcer(std::string name, SourceEvents events)
    : name_(std::move(name)), events_(std::move(events)) {}

void Announcer::announce(News news) {
  const auto self = shared_from_this();
  if (ended_) return;
  if (!news.endpoints.empty() && news.endpoints != told_) {
    auto cause = cause_of_leaving(name_, told_, news.endpoints);
    told_ = news.endpoints;
    events_.update(Reset{std::move(news.endpoints), std::move(cause)});
  } else if (news.renewed && !told_.empty()) {
    events_.confirm();
  }
  if (news.fault.empty() || ended_) return;
  if (news.renewed && !told_.empty()) return events_.warn(std::move(news.fault));
  events_.fail(std::move(news.fault));
}

void Announcer::warn(const std::string& sentence) {
  const auto self = shared_from_this();
  if (!ended_) events_.warn(sentence);
}

}  // namespace tidegate::upstream::dns
