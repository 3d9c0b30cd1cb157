#include "upstream/discovery/kubernetes/watch_event.hpp"

#include <random>

#include <boost/json/serialize.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/kube_slice.hpp"
#include "upstream/discovery/kubernetes/api_target.hpp"
#include "upstream/discovery/kubernetes/back_off.hpp"
#include "upstream/discovery/kubernetes/line_splitter.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

namespace {

std::string event(const std::string& type, const std::string& object) {
  return "{\"type\":\"" + type + "\",\"object\":" + object + "}";
}

const std::string slice_text =
    boost::json::serialize(test::json_of({"a", "s", {{"ws", 80}}, {{"10.0.0.1"}}}, 42));

}  // namespace

TEST_CASE("events of a watch") {
  for (const char* const type : {"ADDED", "MODIFIED"}) {
    const auto found = read_watch_event(event(type, slice_text));
    REQUIRE(found.has_value());
    CHECK(found->version == "42");
    CHECK(std::get<SliceStands>(found->what).slice.endpoints.at(0).host == "10.0.0.1");
  }
  const auto deleted = read_watch_event(event("DELETED", slice_text));
  REQUIRE(deleted.has_value());
  CHECK(std::get<SliceDeleted>(deleted->what).name == "a");
  const auto bookmark = read_watch_event(event("BOOKMARK", R"({"metadata":{"resourceVersion":"50"}})"));
  REQUIRE(bookmark.has_value());
  CHECK(std::holds_alternative<Bookmark>(bookmark->what));
  CHECK(bookmark->version == "50");
  const auto error = read_watch_event(event("ERROR", R"({"kind":"Status","code":410,"message":"too\nold"})"));
  REQUIRE(error.has_value());
  CHECK(std::get<WatchError>(error->what).code == 410);
  CHECK(std::get<WatchError>(error->what).message == "too old");
}

TEST_CASE("an event whose slice cannot be used still moves the version on") {
  const auto found = read_watch_event(
      event("ADDED", R"({"metadata":{"name":"a","resourceVersion":"43"},"addressType":"?"})"));
  REQUIRE(found.has_value());
  CHECK(found->version == "43");
  CHECK(std::get<UnreadableSlice>(found->what).name == "a");
}

TEST_CASE("what is no event") {
  for (const auto& line : {std::string("nonsense"), std::string("{}"), std::string("[]"),
                           event("ADDED", R"({"metadata":{"name":"a"}})"), event("REPLACED", slice_text),
                           std::string(100, '['), event("ADDED", slice_text).substr(0, 60)}) {
    CAPTURE(line);
    CHECK(read_watch_event(line).has_error());
  }
}

TEST_CASE("a page of a list") {
  const auto page = read_page(R"({"metadata":{"resourceVersion":"9","continue":"abc"},"items":[)" +
                              slice_text + R"(,{"metadata":{"name":"b"}}]})");
  REQUIRE(page.has_value());
  CHECK(page->version == "9");
  CHECK(page->next == "abc");
  CHECK(page->slices.size() == 1);
  CHECK(page->unreadable.at(0).name == "b");

  const auto none = read_page(R"({"metadata":{"resourceVersion":"9"},"items":null})");
  REQUIRE(none.has_value());
  CHECK(none->slices.empty());
  for (const char* const text : {"", "{}", "[]", R"({"metadata":{"resourceVersion":"9"},"items":{}})"})
    CHECK(read_page(text).has_error());
}

TEST_CASE("the message of a Status") {
  CHECK(read_status_message(R"({"kind":"Status","message":"endpointslices is forbidden"})") ==
        "endpointslices is forbidden");
  CHECK(read_status_message(R"({"kind":"Other","message":"x"})").empty());
  CHECK(read_status_message("<html>").empty());
  CHECK(read_status_message("{\"kind\":\"Status\",\"message\":\"" + std::string(9999, 'x') + "\"}").size() ==
        300);
}

TEST_CASE("what is asked for") {
  const SliceSelection selection{"hex", "soketi"};
  const std::string slices =
      "/apis/discovery.k8s.io/v1/namespaces/hex/endpointslices"
      "?labelSelector=kubernetes.io%2Fservice-name%3Dsoketi";
  CHECK(list_target(selection, "") == slices + "&limit=25");
  CHECK(list_target(selection, "a+/=") == slices + "&limit=25&continue=a%2B%2F%3D");
  CHECK(watch_target(selection, "42", 90s) ==
        slices + "&watch=true&allowWatchBookmarks=true&resourceVersion=42&timeoutSeconds=90");
  CHECK(list_target({"../x", "a&b"}, "")
            .find("/namespaces/..%2Fx/endpointslices?labelSelector="
                  "kubernetes.io%2Fservice-name%3Da%26b&") != std::string::npos);
}

// === lines ===

TEST_CASE("lines come out of any pieces") {
  const std::string text = "one\n\ntwo\nthree";
  const std::vector<std::string> expected = {"one", "", "two"};
  std::mt19937 random(1);
  for (std::size_t most : {text.size(), std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
    CAPTURE(most);
    LineSplitter lines(5);
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::uniform_int_distribution<std::size_t>(most > 2 ? 1 : most, most)(random);
      lines.append(std::string_view(text).substr(at, size));
      at += size;
      while (const auto line = lines.next()) found.emplace_back(*line);
    }
    CHECK(found == expected);
    CHECK_FALSE(lines.too_long());
    lines.append("\n");
    CHECK(lines.next() == "three");
  }
}

TEST_CASE("a line without end is not kept") {
  LineSplitter lines(5);
  lines.append("12345");
  CHECK_FALSE(lines.next());
  CHECK_FALSE(lines.too_long());
  lines.append("6");
  CHECK_FALSE(lines.next());
  CHECK(lines.too_long());
  lines.append("\n1\n");
  CHECK_FALSE(lines.next());
}

// === back-off ===

TEST_CASE("a server that cannot be asked is left alone for longer and longer") {
  const std::pair<int, std::chrono::milliseconds> rows[] = {
      {1, 200ms}, {2, 400ms}, {3, 800ms}, {7, 12'800ms}, {8, 15s}, {9, 15s}, {1'000'000, 15s}};
  for (const auto& [failures, least] : rows) {
    CAPTURE(failures);
    CHECK(back_off(failures, 0) == least);
    CHECK(back_off(failures, 1) == 2 * least);
  }
}
