#include "upstream/discovery/kubernetes/watch_event.hpp"

#include <algorithm>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include "upstream/discovery/kubernetes/json_members.hpp"

namespace tidegate::upstream {
namespace {

namespace json = boost::json;

constexpr std::size_t most_slices_of_page = 10'000;
constexpr std::size_t longest_version = 128;
constexpr std::size_t longest_token = 8 * 1024;
constexpr std::size_t longest_message = 300;

template <class T>
conf::Parsed<T> unusable(std::string why) {
  return {boost::system::in_place_error, conf::Unreadable{std::move(why)}};
}

// A text that is handed back to the server as it came; empty if it is missing or too long for that.
std::string handle(const json::value* value, std::size_t longest) {
  const auto found = text(value);
  return found.size() <= longest ? std::string(found) : std::string();
}

std::string version_of(const json::value* object) {
  return handle(member(member(object, "metadata"), "resourceVersion"), longest_version);
}

std::string line_of(std::string_view message) {
  std::string line(message.substr(0, longest_message));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return line;
}

WatchEvent stands(const json::value& object) {
  auto slice = read_slice(object);
  if (!slice) return {slice.error(), version_of(&object)};
  return {SliceStands{std::move(*slice)}, version_of(&object)};
}

WatchEvent failed(const json::value& status) {
  const auto* const code = member(&status, "code");
  const auto number = code != nullptr && code->is_int64() ? code->get_int64() : 0;
  WatchError error{static_cast<int>(std::clamp<std::int64_t>(number, 0, 999)), {}};
  error.message = line_of(text(member(&status, "message")));
  return {std::move(error), {}};
}

}  // namespace

conf::Parsed<SlicePage> read_page(std::string_view body) {
  json::monotonic_resource memory;
  boost::system::error_code failure;
  const auto list = json::parse({body.data(), body.size()}, failure, &memory);
  if (failure) return unusable<SlicePage>("its list is not JSON: " + failure.message());
  // `items` may be null or absent where there are none.
  const auto* const found = member(&list, "items");
  const auto* const slices = items(found);
  SlicePage page;
  page.version = version_of(&list);
  page.next = handle(member(member(&list, "metadata"), "continue"), longest_token);
  if (page.version.empty() || (found != nullptr && slices == nullptr))
    return unusable<SlicePage>("its answer is no EndpointSliceList");
  if (slices == nullptr) return {boost::system::in_place_value, std::move(page)};
  if (slices->size() > most_slices_of_page)
    return unusable<SlicePage>("a page of its list has " + std::to_string(slices->size()) + " slices");
  page.slices.reserve(slices->size());
  for (const auto& item : *slices) {
    auto slice = read_slice(item);
    if (slice) {
      page.slices.push_back(std::move(*slice));
    } else {
      page.unreadable.push_back(slice.error());
    }
  }
  return {boost::system::in_place_value, std::move(page)};
}

conf::Parsed<WatchEvent> read_watch_event(std::string_view line) {
  json::monotonic_resource memory;
  boost::system::error_code failure;
  const auto event = json::parse({line.data(), line.size()}, failure, &memory);
  if (failure) return unusable<WatchEvent>("an event of its watch is not JSON: " + failure.message());
  const auto* const object = member(&event, "object");
  const auto type = text(member(&event, "type"));
  if (object == nullptr) return unusable<WatchEvent>("an event of its watch has no object");
  if (type == "ERROR") return {boost::system::in_place_value, failed(*object)};

  auto version = version_of(object);
  if (version.empty()) return unusable<WatchEvent>("an event of its watch has no resourceVersion");
  if (type == "ADDED" || type == "MODIFIED") return {boost::system::in_place_value, stands(*object)};
  if (type == "BOOKMARK") return {boost::system::in_place_value, WatchEvent{Bookmark{}, std::move(version)}};
  if (type == "DELETED") {
    std::string name(text(member(member(object, "metadata"), "name")));
    return {boost::system::in_place_value, WatchEvent{SliceDeleted{std::move(name)}, std::move(version)}};
  }
  return unusable<WatchEvent>("an event of its watch is of the unknown type " + conf::quote(type));
}

std::string read_status_message(std::string_view body) {
  json::monotonic_resource memory;
  boost::system::error_code failure;
  const auto status = json::parse({body.data(), body.size()}, failure, &memory);
  if (failure || text(member(&status, "kind")) != "Status") return {};
  return line_of(text(member(&status, "message")));
}

}  // namespace tidegate::upstream
