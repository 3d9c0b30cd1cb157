// How the spelling of the configuration is described, once: `describe.hpp` calls these members for every key
// of every object, and two implementations listen. One reads a YAML map into the values, the other writes the
// JSON Schema. So a key that one of them knows and the other does not cannot exist.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"

namespace tidegate::conf {

class Fields;

struct Key {
  std::string_view name;
  std::string_view description;  // one sentence for the person who writes the file
};

struct DurationRange {
  Duration least{1};
  Duration most{std::chrono::hours(24 * 365)};
};

struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

// A scalar of the file.
struct Scalar {
  std::string_view text;
  Place place;
};

// Takes a text; the result is the fault as a sentence, or empty if there is none.
using TakeText = std::function<std::string(const Scalar&)>;

// What a value may look like when it has more than one shape. Empty members are shapes that are not allowed.
// `off` and `on` among the words take YAML's other spellings of false and true too.
struct Shapes {
  std::vector<std::string_view> words;
  std::function<void(std::size_t)> take_word;
  TakeText take_text;                        // any other text
  std::function<void(Fields&)> take_object;  // a map
  TakeText take_item;                        // a list of texts
  std::string_view form;                     // what the texts are: `an address such as ...`
};

class Fields {
 public:
  // Each of these gives the value that is written, or nothing if the key is absent or its value is faulty;
  // `standard` is the default, for the schema.
  [[nodiscard]] virtual std::optional<Duration> take_duration(const Key&, Duration standard,
                                                              DurationRange) = 0;
  [[nodiscard]] virtual std::optional<std::uint64_t> take_size(const Key&, std::uint64_t standard, Range) = 0;
  [[nodiscard]] virtual std::optional<std::uint64_t> take_integer(const Key&, std::uint64_t standard,
                                                                  Range) = 0;
  [[nodiscard]] virtual std::optional<bool> take_flag(const Key&, bool standard) = 0;
  [[nodiscard]] virtual std::optional<std::size_t> take_choice(const Key&, std::size_t standard,
                                                               std::span<const std::string_view> names) = 0;

  // A text, checked by `take`; `form` says what is expected.
  virtual void text(const Key&, std::string_view standard, const TakeText& take, std::string_view form) = 0;
  virtual void object(const Key&, const std::function<void(Fields&)>& take) = 0;
  virtual void shaped(const Key&, const Shapes&, std::string_view standard) = 0;
  // A list; `item` is asked for the shapes of each item in turn.
  virtual void list(const Key&, const std::function<Shapes()>& item) = 0;
  // A map whose keys are names.
  virtual void table(const Key&, const std::function<Shapes(const Scalar& name)>& value) = 0;

  // Rules between keys, to be called after the keys they speak of.
  virtual void require(std::string_view name) = 0;
  virtual void require_one(std::span<const std::string_view> names) = 0;
  virtual void allow_one(std::span<const std::string_view> names) = 0;
  // `name` has a meaning only beside `companion`.
  virtual void only_with(std::string_view name, std::string_view companion) = 0;
  // A key that is known elsewhere and not taken here: `why` says what to do.
  virtual void refuse(std::string_view name, std::string_view why) = 0;

  // Whether a key is written here.
  [[nodiscard]] virtual bool has(std::string_view name) const = 0;
  // Where the object begins.
  [[nodiscard]] virtual Place place() const = 0;

  // === the same, into a value that holds the default ===

  void duration(const Key& key, Duration& value, DurationRange range = {}) {
    if (const auto taken = take_duration(key, value, range)) value = *taken;
  }
  void size(const Key& key, std::uint64_t& value, Range range) {
    if (const auto taken = take_size(key, value, range)) value = *taken;
  }
  template <class Integer>
  void integer(const Key& key, Integer& value, Range range) {
    if (const auto taken = take_integer(key, static_cast<std::uint64_t>(value), range)) {
      value = static_cast<Integer>(*taken);
    }
  }
  // Whole seconds as a plain number, as Kubernetes writes them.
  void seconds(const Key& key, std::chrono::seconds& value, Range range) {
    auto count = static_cast<std::uint64_t>(value.count());
    integer(key, count, range);
    value = std::chrono::seconds(count);
  }
  void flag(const Key& key, bool& value) {
    if (const auto taken = take_flag(key, value)) value = *taken;
  }
  // `names` in the order of the enumerators.
  template <class Enum>
  void choice(const Key& key, Enum& value, std::span<const std::string_view> names) {
    if (const auto taken = take_choice(key, static_cast<std::size_t>(value), names)) {
      value = static_cast<Enum>(*taken);
    }
  }
  // Any text.
  void text(const Key& key, std::string& value, std::string_view form) {
    const auto take = [&value](const Scalar& scalar) {
      value = scalar.text;
      return std::string();
    };
    text(key, std::string(value), take, form);
  }

 protected:
  ~Fields() = default;
};

}  // namespace tidegate::conf
