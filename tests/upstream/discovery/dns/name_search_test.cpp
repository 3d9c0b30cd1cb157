#include "upstream/discovery/dns/name_search.hpp"

#include "tests/support/catch.hpp"
#include "upstream/discovery/dns/host_memory.hpp"

using namespace tidegate::upstream::dns;

namespace {

using Texts = std::vector<std::string>;

// r: records, d: no records, x: no name, f: failed, u: unanswered
Answer answer_of(char letter, const Texts& addresses = {"10.0.0.1"}) {
  Answer answer;
  switch (letter) {
    case 'r': answer.kind = AnswerKind::records; break;
    case 'd': answer.kind = AnswerKind::no_records; break;
    case 'x': answer.kind = AnswerKind::no_name; break;
    case 'f': answer.kind = AnswerKind::failed; break;
    default: answer.kind = AnswerKind::unanswered; break;
  }
  if (letter == 'r') answer.addresses = addresses;
  return answer;
}

std::vector<Answer> answers_of(const std::string& letters) {
  std::vector<Answer> answers;
  for (const char letter : letters) answers.push_back(answer_of(letter));
  return answers;
}

Finding finding(const std::string& name, std::vector<Answer> answers) {
  return {name, std::move(answers)};
}

}  // namespace

TEST_CASE("which of the names it is") {
  struct Row {
    const char* why;
    std::string known;
    Texts answers;      // of the names a, b, c; both families
    std::string found;  // the name of the finding
    std::size_t asked;  // names
  };
  const Row rows[] = {
      {"the first", "", {"rr"}, "a", 1},
      {"one family is enough", "", {"dr"}, "a", 1},
      {"though the other fails", "", {"ru"}, "a", 1},
      {"names that do not exist lead on", "", {"xx", "xx", "rd"}, "c", 3},
      {"so do those without such records", "", {"dd", "rr"}, "b", 2},
      {"and servers that fail for one", "", {"ff", "rr"}, "b", 2},
      {"a silence does not", "", {"xx", "du"}, "b", 2},
      {"unless the other family says that there is no such name", "", {"xx", "xu", "rr"}, "c", 3},
      {"a host that is known is not left for a failure", "a", {"fd", "rr"}, "a", 2},
      {"nor for one further down, when it is gone", "a", {"xx", "rr"}, "a", 2},
      {"nor when it has no address now", "a", {"dd", "xx", "rr"}, "a", 3},
      {"it is where the failure is before it", "b", {"ff", "rr"}, "b", 2},
      {"and for one that comes up before it", "b", {"rr"}, "a", 1},
      {"nowhere: the one that exists says most", "", {"xx", "dd", "xx"}, "b", 3},
      {"nowhere", "", {"xx", "xx", "xx"}, "a", 3},
      {"a failure says more than an absence", "", {"xx", "df", "dd"}, "b", 3},
  };
  for (const auto& row : rows) {
    INFO(row.why);
    NameSearch search({"a", "b", "c"}, row.known);
    std::optional<Finding> found;
    std::size_t asked = 0;
    while (!found && asked < row.answers.size()) found = search.take(answers_of(row.answers[asked++]));
    REQUIRE(found);
    CHECK(found->name == row.found);
    CHECK(asked == row.asked);
  }
}

TEST_CASE("each family keeps its last good answer") {
  const std::vector both{RecordType::a, RecordType::aaaa};
  HostMemory host;
  CHECK_FALSE(host.is_single());
  const auto good = answer_of('r', {"10.0.0.1"});
  const auto six = answer_of('r', {"fd00::1"});
  host.take(finding("x", {good, six}), both);
  REQUIRE(host.addresses() == Texts{"10.0.0.1", "fd00::1"});
  CHECK(host.is_single());
  CHECK(host.is_dual_stack());

  struct Row {
    const char* why;
    Finding finding;
    Texts addresses;
  };
  const auto other = answer_of('r', {"10.0.0.2", "10.0.0.3"});
  const Row rows[] = {
      {"one fails, the other is renewed",
       finding("x", {other, answer_of('f')}),
       {"10.0.0.2", "10.0.0.3", "fd00::1"}},
      {"one is silent", finding("x", {other, answer_of('u')}), {"10.0.0.2", "10.0.0.3", "fd00::1"}},
      {"one has none", finding("x", {other, answer_of('d')}), {"10.0.0.2", "10.0.0.3"}},
      {"neither has any", finding("x", answers_of("dd")), {"10.0.0.1", "fd00::1"}},
      {"no such name", finding("x", answers_of("xx")), {"10.0.0.1", "fd00::1"}},
      {"one has none, the other fails", finding("x", answers_of("df")), {"10.0.0.1", "fd00::1"}},
      {"another host, of which one family fails",
       finding("y", {other, answer_of('f')}),
       {"10.0.0.2", "10.0.0.3"}},
  };
  for (const auto& row : rows) {
    INFO(row.why);
    auto copy = host;
    copy.take(row.finding, both);
    CHECK(copy.addresses() == row.addresses);
  }
}

TEST_CASE("only the family that is asked for") {
  HostMemory host;
  host.take(finding("x", {answer_of('r', {"fd00::1", "fd00::2"})}), {RecordType::aaaa});
  CHECK(host.addresses() == Texts{"fd00::1", "fd00::2"});
  CHECK_FALSE(host.is_single());
  CHECK_FALSE(host.is_dual_stack());
}
