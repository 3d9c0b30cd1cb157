// The reader's side of `Fields`: takes the keys of one YAML map into the values and reports what does not
// fit.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/config_error.hpp"
#include "conf/fields.hpp"
#include "conf/yaml_tree.hpp"

namespace tidegate::conf {

// One map of the tree, at `path`. `finish` must be called once all keys have been described; it reports the
// keys that nobody asked for and the rules that were broken.
class YamlFields final : public Fields {
 public:
  YamlFields(const YamlValue& map, std::string path, FaultList& faults)
      : map_(map), path_(std::move(path)), faults_(faults) {}

  [[nodiscard]] std::optional<Duration> take_duration(const Key& key, Duration standard,
                                                      DurationRange range) override;
  [[nodiscard]] std::optional<std::uint64_t> take_size(const Key& key, std::uint64_t standard,
                                                       Range range) override;
  [[nodiscard]] std::optional<std::uint64_t> take_integer(const Key& key, std::uint64_t standard,
                                                          Range range) override;
  [[nodiscard]] std::optional<bool> take_flag(const Key& key, bool standard) override;
  [[nodiscard]] std::optional<std::size_t> take_choice(const Key& key, std::size_t standard,
                                                       std::span<const std::string_view> names) override;
  using Fields::text;
  void text(const Key& key, std::string_view standard, const TakeText& take, std::string_view form) override;
  void object(const Key& key, const std::function<void(Fields&)>& take) override;
  void shaped(const Key& key, const Shapes& shapes, std::string_view standard) override;
  void list(const Key& key, const std::function<Shapes()>& item) override;
  void table(const Key& key, const std::function<Shapes(const Scalar& name)>& value) override;

  void require(std::string_view name) override;
  void require_one(std::span<const std::string_view> names) override;
  void allow_one(std::span<const std::string_view> names) override;
  void only_with(std::string_view name, std::string_view companion) override;
  void refuse(std::string_view name, std::string_view why) override;

  [[nodiscard]] bool has(std::string_view name) const override { return map_.find(name) != nullptr; }
  [[nodiscard]] Place place() const override { return {faults_.file(), map_.line, map_.column}; }

  void finish();

 private:
  // A set of keys of which at least one must be there.
  struct Requirement {
    std::vector<std::string_view> names;
  };

  // The value of a key that has been written, null if it has not; the key is known from here on.
  [[nodiscard]] const YamlValue* take(const Key& key);
  // The text of an unquoted or quoted scalar; a fault and nothing for the other kinds.
  [[nodiscard]] const std::string* scalar(const Key& key, const YamlValue& value, std::string_view form);
  void fault(const Key& key, const YamlValue& value, std::string message);
  void take_shaped(const YamlValue& value, const std::string& path, const Shapes& shapes);
  [[nodiscard]] bool take_shaped_scalar(const YamlValue& value, const std::string& path,
                                        const Shapes& shapes);
  [[nodiscard]] std::string path_of(std::string_view name) const;
  void report_unknown();
  [[nodiscard]] bool is_misspelt(std::span<const std::string_view> names) const;

  const YamlValue& map_;
  std::string path_;
  FaultList& faults_;
  std::vector<std::string_view> known_;
  std::vector<Requirement> requirements_;
  std::vector<std::pair<std::string_view, std::string_view>> companions_;  // of `only_with`
  std::vector<std::string_view> meant_;  // the nearest known keys of the unknown ones
};

}  // namespace tidegate::conf
