#include "conf/schema.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "conf/describe.hpp"
#include "conf/json_text.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

namespace json = boost::json;

json::array texts(std::span<const std::string_view> words) {
  json::array out;
  for (const auto word : words) out.emplace_back(word);
  return out;
}

// The schema's side of `Fields`: every key becomes a property of one object.
class SchemaFields final : public Fields {
 public:
  std::optional<Duration> take_duration(const Key& key, Duration standard, DurationRange range) override {
    const bool may_be_zero = range.least == Duration::zero();
    json::object& property = add(key, {{"type", "string"}});
    property["pattern"] = may_be_zero ? "^(off|0|([0-9]+(d|h|m|s|ms))+)$" : "^([0-9]+(d|h|m|s|ms))+$";
    if (may_be_zero) property["type"] = json::array{"string", "integer", "boolean"};
    property["default"] = duration_text(standard);
    return std::nullopt;
  }

  std::optional<std::uint64_t> take_size(const Key& key, std::uint64_t standard, Range range) override {
    json::object& property = add(key, {{"type", json::array{"integer", "string"}}});
    property["minimum"] = range.least;
    property["pattern"] = "^[0-9]+[kKmMgG]?$";
    property["default"] = standard == 0 ? json::value(0) : json::value(size_text(standard));
    return std::nullopt;
  }

  std::optional<std::uint64_t> take_integer(const Key& key, std::uint64_t standard, Range range) override {
    add(key, {{"type", "integer"}, {"minimum", range.least}, {"maximum", range.most}, {"default", standard}});
    return std::nullopt;
  }

  std::optional<bool> take_flag(const Key& key, bool standard) override {
    add(key, {{"type", "boolean"}, {"default", standard}});
    return std::nullopt;
  }

  std::optional<std::size_t> take_choice(const Key& key, std::size_t standard,
                                         std::span<const std::string_view> names) override {
    auto values = texts(names);
    // Tools that read YAML 1.1 take a plain `off` for this truth value, and so does the reader.
    if (std::find(names.begin(), names.end(), "off") != names.end()) values.push_back(false);
    add(key, {{"enum", std::move(values)}, {"default", names[standard]}});
    return std::nullopt;
  }

  using Fields::text;
  void text(const Key& key, std::string_view standard, const TakeText&, std::string_view) override {
    json::object& property = add(key, {{"type", "string"}});
    if (!standard.empty()) property["default"] = standard;
  }

  void object(const Key& key, const std::function<void(Fields&)>& take) override {
    add(key, object_schema(take));
  }

  void shaped(const Key& key, const Shapes& shapes, std::string_view standard) override {
    json::object& property = add(key, shapes_schema(shapes));
    if (!standard.empty()) property["default"] = standard;
  }

  void list(const Key& key, const std::function<Shapes()>& item) override {
    add(key, {{"type", "array"}, {"items", shapes_schema(item())}});
  }

  void table(const Key& key, const std::function<Shapes(const Scalar& name)>& value) override {
    add(key, {{"type", "object"}, {"additionalProperties", shapes_schema(value(Scalar{"name", {}}))}});
  }

  void require(std::string_view name) override { required_.emplace_back(name); }

  void require_one(std::span<const std::string_view> names) override {
    json::array alternatives;
    for (const auto name : names) alternatives.push_back(json::object{{"required", json::array{name}}});
    rules_.push_back(json::object{{"oneOf", std::move(alternatives)}});
  }

  void allow_one(std::span<const std::string_view> names) override {
    rules_.push_back(json::object{{"not", json::object{{"required", texts(names)}}}});
  }

  void only_with(std::string_view name, std::string_view companion) override {
    companions_[name] = json::array{companion};
  }

  void refuse(std::string_view, std::string_view) override {
  }  // not a property, so the schema refuses it already

  [[nodiscard]] bool has(std::string_view) const override { return false; }
  [[nodiscard]] Place place() const override { return {}; }

  // The schema of the object whose keys have been described.
  [[nodiscard]] json::object finish() {
    json::object out{
        {"type", "object"}, {"properties", std::move(properties_)}, {"additionalProperties", false}};
    if (!required_.empty()) out["required"] = std::move(required_);
    if (!companions_.empty()) out["dependentRequired"] = std::move(companions_);
    if (!rules_.empty()) out["allOf"] = std::move(rules_);
    return out;
  }

 private:
  json::object& add(const Key& key, const json::object& schema) {
    json::object property{{"description", key.description}};
    for (const auto& member : schema) property[member.key()] = member.value();
    return properties_.emplace(key.name, std::move(property)).first->value().as_object();
  }

  static json::object object_schema(const std::function<void(Fields&)>& take) {
    SchemaFields inner;
    take(inner);
    return inner.finish();
  }

  static json::object words_schema(const Shapes& shapes) {
    json::array words = texts(shapes.words);
    for (const auto word : shapes.words) {
      // What an editor's YAML parser makes of the word before the schema is asked.
      if (word == "off") words.emplace_back(false);
      if (word == "on") words.emplace_back(true);
      if (const auto number = parse_integer(word)) words.emplace_back(*number);
    }
    return {{"enum", std::move(words)}};
  }

  static json::object text_schema(const Shapes& shapes) {
    json::object out{{"type", json::array{"string", "number", "boolean"}}};
    if (!shapes.form.empty()) out["description"] = shapes.form;
    return out;
  }

  static json::object shapes_schema(const Shapes& shapes) {
    json::array alternatives;
    if (!shapes.words.empty()) alternatives.push_back(words_schema(shapes));
    if (shapes.take_text) alternatives.push_back(text_schema(shapes));
    if (shapes.take_item)
      alternatives.push_back(json::object{{"type", "array"}, {"items", text_schema(shapes)}});
    if (shapes.take_object) alternatives.push_back(object_schema(shapes.take_object));
    if (alternatives.size() == 1) return std::move(alternatives.front().as_object());
    return {{"anyOf", std::move(alternatives)}};
  }

  json::object properties_;
  json::array required_;
  json::array rules_;
  json::object companions_;
};

}  // namespace

std::string json_schema() {
  Config scratch;
  SchemaFields fields;
  describe(fields, scratch);
  json::object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"title", "tidegate configuration"}};
  for (auto& member : fields.finish()) schema[member.key()] = std::move(member.value());
  return indented_json(schema);
}

}  // namespace tidegate::conf
