// Which of several names it is that has records: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "upstream/discovery/dns/answer.hpp"

namespace tidegate::upstream::dns {

// What was found for a name: the answers for one absolute name, one for each type that was asked. Without
// records in any of them they are those that say most of why.
struct Finding {
  std::string name;
  std::vector<Answer> answers;

  [[nodiscard]] bool has_records() const;
  // The name exists nowhere, or nowhere with such records: nobody failed to say so.
  [[nodiscard]] bool is_absent() const;
};

// Goes through the names of a search list. All types are asked of one name before the next one, so that the
// addresses of two families are never those of two hosts.
//
// A name without such records leads to the next one, as in glibc, and so does a server that fails for it;
// that nobody answers does not, because the servers are the same for each. A host that was found before is
// not left for one further down the list, neither because a server fails for the names before that nor
// because the host has no records now: a Service that is scaled to none is not a wildcard's host of another
// domain.
class NameSearch {
 public:
  // `names` is not empty; `known` is where records were found last, or "".
  NameSearch(std::vector<std::string> names, std::string known);

  // To be asked now.
  [[nodiscard]] const std::string& name() const { return names_[index_]; }
  // Takes the answers for `name()`. The finding if the search is over, else `name()` is the next one.
  [[nodiscard]] std::optional<Finding> take(std::vector<Answer> answers);

 private:
  std::vector<std::string> names_;
  std::string known_;
  std::size_t index_ = 0;
  std::optional<Finding> failed_;  // the first name that a server failed for
  std::optional<Finding> absent_;  // the first name without records, rather one that exists
};

}  // namespace tidegate::upstream::dns
