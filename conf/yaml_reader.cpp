#include "conf/yaml_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <tuple>
#include <utility>

#include "conf/describe.hpp"
#include "conf/units.hpp"
#include "conf/validate.hpp"
#include "conf/yaml_fields.hpp"
#include "conf/yaml_tree.hpp"

namespace tidegate::conf {

namespace {

// The shortest file: one upstream and no routes means that every request goes there.
void add_only_route(Config& config, bool routes_written) {
  if (routes_written || config.upstreams.size() != 1) return;
  Route route;
  route.name = "/";
  ProxyAction action;
  action.upstream = config.upstreams.front().name;
  route.action = std::move(action);
  route.place = config.upstreams.front().place;
  config.routes.push_back(std::move(route));
}

// Whether `inner` is `outer` or lies in it.
bool lies_in(std::string_view inner, std::string_view outer) {
  if (!inner.starts_with(outer)) return false;
  return outer.empty() || inner.size() == outer.size() || inner[outer.size()] == '.' ||
         inner[outer.size()] == '[';
}

// A value that could not be read keeps its default, and what a check says about that, or about the whole it
// belongs to, would only repeat the first fault.
bool follows_from(const ConfigError& check, const std::vector<std::string>& explained) {
  return std::any_of(explained.begin(), explained.end(), [&check](const std::string& path) {
    return lies_in(check.path, path) || lies_in(path, check.path);
  });
}

void add_checks(const Config& config, const YamlTree& tree, FaultList& faults) {
  const std::vector<std::string> explained = faults.explained();
  for (auto& check : validate(config)) {
    if (faults.full()) return;
    if (follows_from(check, explained)) continue;
    const YamlValue* value = tree.locate(check.path);
    Place place = check.place;
    if (value != nullptr && !check.path.empty()) place = {faults.file(), value->line, value->column};
    faults.add(std::max(place.line, 1), std::max(place.column, 1), std::move(check.path),
               std::move(check.message));
  }
}

ConfigErrors sorted(ConfigErrors errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const ConfigError& left, const ConfigError& right) {
    return std::tie(left.place.line, left.place.column) < std::tie(right.place.line, right.place.column);
  });
  return errors;
}

ConfigErrors one_error(const std::string& file, std::string message) {
  return {ConfigError{{file, 0, 0}, {}, std::move(message)}};
}

}  // namespace

ReadResult read_yaml(std::string_view text, const std::string& file) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark, as some editors write it
  FaultList faults(file);
  const auto tree = std::make_shared<const YamlTree>(YamlTree::parse(text, faults));
  const YamlValue* root = tree->root();
  if (root == nullptr && !faults.errors().empty()) return sorted(faults.errors());
  if (root == nullptr || root->kind != YamlValue::Kind::map) {
    const std::string found = root == nullptr ? "nothing" : root->shape();
    faults.add(1, 1, {}, "expected a map with `listeners` and `upstreams`, found " + found);
    return faults.errors();
  }
  Config config;
  YamlFields fields(*root, {}, faults);
  describe(fields, config);
  fields.finish();
  add_only_route(config, fields.has("routes"));
  if (!faults.full()) add_checks(config, *tree, faults);
  if (!faults.errors().empty()) return sorted(faults.errors());
  config.locate = [tree, file](std::string_view path) -> std::optional<Place> {
    const YamlValue* value = tree->locate(path);
    if (value == nullptr || path.empty()) return std::nullopt;
    return Place{file, value->line, value->column};
  };
  return config;
}

ReadResult read_yaml_file(const std::string& path) {
  const std::size_t most = YamlBounds{}.bytes;
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return one_error(path, std::string("cannot be opened: ") + std::strerror(errno));
  std::string text(most + 1, '\0');  // one more than allowed: tells a large file, and ends an endless one
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.fail() && !stream.eof())) {
    return one_error(path, std::string("cannot be read: ") + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return read_yaml(text, path);
}

}  // namespace tidegate::conf
