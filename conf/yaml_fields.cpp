#include "conf/yaml_fields.hpp"

#include <algorithm>
#include <array>

#include "conf/spelling.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

std::string joined(std::span<const std::string_view> names, std::string_view last_separator) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? last_separator : std::string_view(", ");
    out += names[i];
  }
  return out;
}

// YAML 1.1's and 1.2's spellings of true and false, all of which occur in configurations.
std::optional<bool> truth_of(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "no" || lower == "off") return false;
  return std::nullopt;
}

std::optional<std::size_t> word_index(std::string_view text, std::span<const std::string_view> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return i;
    const bool is_switch = words[i] == "off" || words[i] == "on";
    const auto truth = is_switch ? truth_of(text) : std::nullopt;
    if (truth && *truth == (words[i] == "on")) return i;
  }
  return std::nullopt;
}

std::string suggestion(std::string_view text, std::span<const std::string_view> words) {
  const auto near = nearest(text, words);
  return near ? "; did you mean `" + std::string(*near) + "`?" : "";
}

// `off, on, a map or a text`, for messages.
std::string expectation(const Shapes& shapes) {
  std::vector<std::string_view> parts(shapes.words);
  if (shapes.take_text) parts.push_back(shapes.form);
  if (shapes.take_item) parts.emplace_back("a list");
  if (shapes.take_object) parts.emplace_back("a map");
  return "expected " + joined(parts, " or ");
}

}  // namespace

std::string YamlFields::path_of(std::string_view name) const {
  const std::string step = path_step(name);
  return path_.empty() ? step : path_ + "." + step;
}

const YamlValue* YamlFields::take(const Key& key) {
  known_.push_back(key.name);
  return map_.find(key.name);
}

void YamlFields::fault(const Key& key, const YamlValue& value, std::string message) {
  faults_.add(value.line, value.column, path_of(key.name), std::move(message));
}

const std::string* YamlFields::scalar(const Key& key, const YamlValue& value, std::string_view form) {
  if (value.kind == YamlValue::Kind::scalar) return &value.text;
  fault(key, value, "expected " + std::string(form) + ", found " + value.shape());
  return nullptr;
}

// === values ===

std::optional<Duration> YamlFields::take_duration(const Key& key, Duration, DurationRange range) {
  const YamlValue* value = take(key);
  const std::string* text = value == nullptr ? nullptr : scalar(key, *value, "a duration such as `10s`");
  if (text == nullptr) return std::nullopt;
  const bool may_be_off = range.least == Duration::zero() && *text == "off";
  const auto duration = may_be_off ? Parsed<Duration>(Duration::zero()) : parse_duration(*text);
  if (!duration) {
    fault(key, *value, duration.error().why);
    return std::nullopt;
  }
  if (*duration < range.least || *duration > range.most) {
    fault(key, *value,
          "must be from " + duration_text(range.least) + " to " + duration_text(range.most) + ", found " +
              quote(*text));
    return std::nullopt;
  }
  return *duration;
}

std::optional<std::uint64_t> YamlFields::take_size(const Key& key, std::uint64_t, Range range) {
  const YamlValue* value = take(key);
  const std::string* text = value == nullptr ? nullptr : scalar(key, *value, "a size such as `64k`");
  if (text == nullptr) return std::nullopt;
  const auto size = parse_size(*text);
  if (!size) {
    fault(key, *value, size.error().why);
    return std::nullopt;
  }
  if (*size < range.least || *size > range.most) {
    fault(key, *value,
          "must be from " + size_text(range.least) + " to " + size_text(range.most) + ", found " +
              quote(*text));
    return std::nullopt;
  }
  return *size;
}

std::optional<std::uint64_t> YamlFields::take_integer(const Key& key, std::uint64_t, Range range) {
  const YamlValue* value = take(key);
  const std::string* text = value == nullptr ? nullptr : scalar(key, *value, "a whole number");
  if (text == nullptr) return std::nullopt;
  const std::string allowed = "from " + std::to_string(range.least) + " to " + std::to_string(range.most);
  const auto number = parse_integer(*text);
  if (value->quoted && number) {
    fault(key, *value, "expected a whole number, found a text: write it without quotes");
    return std::nullopt;
  }
  if (!number) {
    fault(key, *value, "expected a plain whole number " + allowed + ", found " + quote(*text));
    return std::nullopt;
  }
  if (*number < range.least || *number > range.most) {
    fault(key, *value, "must be " + allowed + ", found " + quote(*text));
    return std::nullopt;
  }
  return *number;
}

std::optional<bool> YamlFields::take_flag(const Key& key, bool) {
  const YamlValue* value = take(key);
  const std::string* text = value == nullptr ? nullptr : scalar(key, *value, "`true` or `false`");
  if (text == nullptr) return std::nullopt;
  const auto truth = truth_of(*text);
  if (!truth || value->quoted) {
    fault(key, *value, "expected `true` or `false` (without quotes), found " + quote(*text));
    return std::nullopt;
  }
  return truth;
}

std::optional<std::size_t> YamlFields::take_choice(const Key& key, std::size_t,
                                                   std::span<const std::string_view> names) {
  const YamlValue* value = take(key);
  const std::string expected = "one of " + joined(names, " or ");
  const std::string* text = value == nullptr ? nullptr : scalar(key, *value, expected);
  if (text == nullptr) return std::nullopt;
  const auto index = word_index(*text, names);
  if (!index)
    fault(key, *value, "expected " + expected + ", found " + quote(*text) + suggestion(*text, names));
  return index;
}

void YamlFields::text(const Key& key, std::string_view, const TakeText& take_text, std::string_view form) {
  const YamlValue* value = take(key);
  if (value == nullptr) return;
  Shapes shapes;
  shapes.form = form;
  shapes.take_text = take_text;
  take_shaped(*value, path_of(key.name), shapes);
}

void YamlFields::object(const Key& key, const std::function<void(Fields&)>& take_object) {
  const YamlValue* value = take(key);
  if (value == nullptr) return;
  Shapes shapes;
  shapes.take_object = take_object;
  take_shaped(*value, path_of(key.name), shapes);
}

void YamlFields::shaped(const Key& key, const Shapes& shapes, std::string_view) {
  const YamlValue* value = take(key);
  if (value != nullptr) take_shaped(*value, path_of(key.name), shapes);
}

void YamlFields::list(const Key& key, const std::function<Shapes()>& item) {
  const YamlValue* value = take(key);
  if (value == nullptr) return;
  if (value->kind != YamlValue::Kind::sequence) {
    fault(key, *value,
          "expected a list (`- ...` on lines of their own, or `[...]`), found " + value->shape());
    return;
  }
  for (std::size_t i = 0; i < value->items.size() && !faults_.full(); ++i) {
    take_shaped(*value->items[i], path_of(key.name) + "[" + std::to_string(i) + "]", item());
  }
}

void YamlFields::table(const Key& key, const std::function<Shapes(const Scalar& name)>& take_value) {
  const YamlValue* value = take(key);
  if (value == nullptr) return;
  if (value->kind != YamlValue::Kind::map) {
    fault(key, *value, "expected a map (`name: ...`), found " + value->shape());
    return;
  }
  for (const auto& entry : value->entries) {
    if (faults_.full()) return;
    const Place place{faults_.file(), entry.line, entry.column};
    take_shaped(*entry.value, path_of(key.name) + "." + path_step(entry.key), take_value({entry.key, place}));
  }
}

// === values of several shapes ===

bool YamlFields::take_shaped_scalar(const YamlValue& value, const std::string& path, const Shapes& shapes) {
  // Quotes make a text of a word where texts are taken too, but for `off` and `on`: JSON can write them no
  // other way.
  const bool text = value.quoted && shapes.take_text && value.text != "off" && value.text != "on";
  const auto word = text ? std::nullopt : word_index(value.text, shapes.words);
  if (word) {
    shapes.take_word(*word);
    return true;
  }
  if (!shapes.take_text) return false;
  const Place place{faults_.file(), value.line, value.column};
  std::string message = shapes.take_text({value.text, place});
  if (!message.empty()) faults_.add(value.line, value.column, path, std::move(message));
  return true;
}

void YamlFields::take_shaped(const YamlValue& value, const std::string& path, const Shapes& shapes) {
  if (value.kind == YamlValue::Kind::scalar && take_shaped_scalar(value, path, shapes)) return;
  if (value.kind == YamlValue::Kind::map && shapes.take_object) {
    YamlFields inner(value, path, faults_);
    shapes.take_object(inner);
    inner.finish();
    return;
  }
  if (value.kind == YamlValue::Kind::sequence && shapes.take_item) {
    Shapes item;
    item.form = shapes.form;
    item.take_text = shapes.take_item;
    for (std::size_t i = 0; i < value.items.size() && !faults_.full(); ++i) {
      take_shaped(*value.items[i], path + "[" + std::to_string(i) + "]", item);
    }
    return;
  }
  std::string message = expectation(shapes) + ", found " + value.shape();
  if (value.kind == YamlValue::Kind::scalar) message += suggestion(value.text, shapes.words);
  faults_.add(value.line, value.column, path, std::move(message));
}

// === rules between keys ===

void YamlFields::require(std::string_view name) {
  requirements_.push_back({{name}});
}

void YamlFields::require_one(std::span<const std::string_view> names) {
  requirements_.push_back({{names.begin(), names.end()}});
  allow_one(names);
}

void YamlFields::allow_one(std::span<const std::string_view> names) {
  std::vector<std::string_view> written;
  std::copy_if(names.begin(), names.end(), std::back_inserter(written),
               [this](std::string_view name) { return has(name); });
  if (written.size() < 2) return;
  const YamlValue& second = *map_.find(written[1]);
  faults_.add(second.line, second.column, path_of(written[1]),
              joined(written, " and ") + " exclude each other: keep one");
}

void YamlFields::only_with(std::string_view name, std::string_view companion) {
  companions_.emplace_back(name, companion);
}

void YamlFields::refuse(std::string_view name, std::string_view why) {
  for (const auto& entry : map_.entries) {
    if (entry.key != name) continue;
    faults_.add(entry.line, entry.column, path_of(name), std::string(why));
    meant_.push_back(name);
  }
}

void YamlFields::report_unknown() {
  for (const auto& entry : map_.entries) {
    if (faults_.full()) return;
    const std::string_view name = entry.key;
    const auto is_name = [name](std::string_view known) { return known == name; };
    if (std::any_of(known_.begin(), known_.end(), is_name)) continue;
    if (std::any_of(meant_.begin(), meant_.end(), is_name)) continue;  // refused with its own words
    std::string message = "unknown key " + quote(name);
    const auto near = nearest(name, known_);
    if (name == "<<") {
      message = "merge keys (`<<`) are not supported: write the keys out, or give each value its own anchor";
    } else if (near) {
      meant_.push_back(*near);
      faults_.explain(path_of(*near));
      message += "; did you mean `" + std::string(*near) + "`?";
    } else {
      message += "; known here: " + joined(known_, ", ");
    }
    faults_.add(entry.line, entry.column, path_of(name), std::move(message));
  }
}

bool YamlFields::is_misspelt(std::span<const std::string_view> names) const {
  return std::any_of(names.begin(), names.end(), [this](std::string_view name) {
    return std::find(meant_.begin(), meant_.end(), name) != meant_.end();
  });
}

void YamlFields::finish() {
  const bool refused = !meant_.empty();
  report_unknown();
  for (const auto& requirement : requirements_) {
    const auto& names = requirement.names;
    const bool written =
        std::any_of(names.begin(), names.end(), [this](std::string_view name) { return has(name); });
    // A misspelt or refused key stands for the missing one; its own fault says enough.
    if (written || is_misspelt(names) || refused) continue;
    // Placed at the object, told of the key, so that checks of the object's other keys are still made.
    const std::string missing = names.size() == 1 ? "`" + std::string(names.front()) + "` is missing"
                                                  : "one of " + joined(names, " or ") + " is missing";
    faults_.add_missing(map_.line, map_.column, path_, missing);
    for (const auto name : names) faults_.explain(path_of(name));
  }
  for (const auto& [name, companion] : companions_) {
    const YamlValue* value = map_.find(name);
    if (value == nullptr || has(companion) || is_misspelt({&companion, 1}) || refused) continue;
    faults_.add(value->line, value->column, path_of(name),
                std::string(name) + " has a meaning only beside `" + std::string(companion) + "`: remove it");
  }
}

}  // namespace tidegate::conf
