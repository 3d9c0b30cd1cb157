// Tells a source's news to whom it concerns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "upstream/discovery/source.hpp"

namespace tidegate::upstream::dns {

// What a source knows, after it has been asked.
struct News {
  std::vector<DiscoveredEndpoint> endpoints;  // empty: nothing is known
  std::string fault;                          // of what was asked just now
  bool renewed = false;  // that was answered, so that the endpoints are true; a fault is then that of a part
};

// Remembers what it has told. Owned by a shared_ptr: an event may destroy the source.
class Announcer : public std::enable_shared_from_this<Announcer> {
 public:
  Announcer(std::string name, SourceEvents events);

  // An update if the endpoints are others than those told last, else a confirmation if they are renewed. Then
  // the fault, as a warning where it is that of a part: what is in force does not grow old by it.
  void announce(News news);
  void warn(const std::string& sentence);
  // Tells nothing from now on.
  void end() { ended_ = true; }
  [[nodiscard]] bool has_ended() const { return ended_; }

 private:
  std::string name_;
  SourceEvents events_;
  std::vector<DiscoveredEndpoint> told_;
  bool ended_ = false;
};

}  // namespace tidegate::upstream::dns
