#include "conf/yaml_tree.hpp"

#include <array>
#include <exception>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

// Ends the parsing: the document is not worth reading on.
struct Refusal {
  int line = 0;
  int column = 0;
  std::string message;
};

Refusal refuse(const YAML::Mark& mark, std::string message) {
  return {mark.line + 1, mark.column + 1, std::move(message)};
}

struct Hint {
  std::string_view message;  // how yaml-cpp's begins
  std::string_view advice;
};

// What people have usually done when yaml-cpp says so.
constexpr std::array hints{
    Hint{"end of map not found", "the keys of one map must begin in the same column"},
    Hint{"end of sequence not found", "the items of one list must begin in the same column"},
    Hint{"end of map flow not found", "a `{` is not closed, or a comma is missing"},
    Hint{"end of sequence flow not found",
         "a `[` is not closed; a text that begins with `[` must be quoted: \"[::]:443\""},
    Hint{"illegal map value",
         "a text that contains `: ` must be quoted, and a key needs a space after its colon"},
    Hint{"illegal tab", "indent with spaces"},
    Hint{"alias not found", "a text that begins with `*` must be quoted: \"*.example.com\""},
    Hint{"illegal character found while scanning alias",
         "a text that begins with `*` must be quoted: \"*.example.com\""},
    Hint{"the referenced anchor", "a text that begins with `*` must be quoted: \"*.example.com\""},
    Hint{"unknown token", "a text that begins with this character must be quoted"},
};

std::string with_hint(const std::string& message) {
  for (const auto& hint : hints) {
    if (message.starts_with(hint.message)) return message + "; " + std::string(hint.advice);
  }
  return message;
}

// Bytes of the UTF-8 character that `text` begins with (RFC 3629), 0 if it is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool beyond = first == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

// yaml-cpp reads a NUL as an end and turns broken UTF-8 into another character; neither may pass in silence.
std::optional<Refusal> find_foreign_byte(std::string_view text) {
  int line = 1;
  int column = 1;
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = character_length(text);
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
    if (length == 0 || control || c == 0x7f) {
      const std::string byte = std::to_string(static_cast<unsigned char>(c));
      return Refusal{line, column, "a byte (" + byte + ") that no text has: the file must be UTF-8"};
    }
    column = c == '\n' ? 1 : column + static_cast<int>(length);
    line += c == '\n' ? 1 : 0;
    text.remove_prefix(length);
  }
  return std::nullopt;
}

// Whether the quoted scalar that begins at `text` has its closing quote; yaml-cpp takes the end of the file
// for one.
bool is_closed(std::string_view text) {
  while (text.starts_with('&') || text.starts_with('!')) {  // its anchor and tag
    text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  if (!text.starts_with('"') && !text.starts_with('\'')) return true;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

}  // namespace

// yaml-cpp reports some unclosed brackets as keys.
constexpr const char* key_fault = "a key must be a plain word; or a `{` or `[` here is not closed";

// Turns yaml-cpp's events into the tree. Keys arrive as values like any other: whether a scalar is a key
// follows from the frame on top.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(YamlTree& tree, std::string_view text, FaultList& faults, const YamlBounds& bounds)
      : tree_(tree), text_(text), faults_(faults), bounds_(bounds) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw refuse(mark, "a second document (`---`): a file holds one configuration");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlValue& value = make(mark, YamlValue::Kind::null);
    // The mark is that of whatever comes next, maybe lines below; the key is where the value is missed.
    if (!frames_.empty() && frames_.back().has_key) {
      value.line = frames_.back().key.line;
      value.column = frames_.back().key.column;
    }
    put(mark, value, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const std::size_t begin = std::min(static_cast<std::size_t>(mark.pos), text_.size());
    if (tag == "!" && !is_closed(text_.substr(begin))) throw refuse(mark, "a quote that is not closed");
    if (expects_key()) {
      frames_.back().key = {text, mark.line + 1, mark.column + 1, nullptr};
      frames_.back().has_key = true;
      if (anchor != 0) throw refuse(mark, "an anchor on a key; put it behind the colon");
      return;
    }
    YamlValue& value = make(mark, YamlValue::Kind::scalar);
    value.quoted = tag == "!";
    value.text = text;
    const bool null = !value.quoted && (text.empty() || text == "~" || text == "null");
    if (null) value.kind = YamlValue::Kind::null;
    put(mark, value, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) throw refuse(mark, "an alias inside of what it stands for");
    put(mark, *target->second, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, YamlValue::Kind::sequence, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, YamlValue::Kind::map, anchor);
  }
  void OnMapEnd() override {
    remove_equal_keys(*frames_.back().value);
    close();
  }

 private:
  struct Frame {
    YamlValue* value = nullptr;
    YAML::anchor_t anchor = 0;
    YAML::Mark mark;
    YamlValue::Entry key;
    bool has_key = false;
  };

  [[nodiscard]] bool expects_key() const {
    return !frames_.empty() && frames_.back().value->kind == YamlValue::Kind::map && !frames_.back().has_key;
  }

  YamlValue& make(const YAML::Mark& mark, YamlValue::Kind kind) {
    YamlValue& value = tree_.values_.emplace_back();
    value.kind = kind;
    value.line = mark.line + 1;
    value.column = mark.column + 1;
    return value;
  }

  void open(const YAML::Mark& mark, YamlValue::Kind kind, YAML::anchor_t anchor) {
    if (expects_key()) throw refuse(mark, key_fault);
    if (frames_.size() >= bounds_.depth) throw refuse(mark, "lists and maps are nested too deeply");
    frames_.push_back({&make(mark, kind), anchor, mark, {}, false});
  }

  void close() {
    const Frame frame = std::move(frames_.back());
    frames_.pop_back();
    put(frame.mark, *frame.value, frame.anchor);
  }

  // Puts a finished value where it belongs. Only finished values are anchored, so that no alias can make a
  // ring.
  void put(const YAML::Mark& mark, const YamlValue& value, YAML::anchor_t anchor) {
    if (expects_key()) throw refuse(mark, key_fault);
    if (anchor != 0) anchors_[anchor] = &value;
    if (frames_.empty()) {
      tree_.root_ = &value;
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value->kind == YamlValue::Kind::map) {
      frame.key.value = &value;
      frame.value->entries.push_back(std::move(frame.key));
      frame.has_key = false;
    } else {
      frame.value->items.push_back(&value);
    }
    frame.value->weight += value.weight;
    if (frame.value->weight > bounds_.values) throw refuse(mark, "the file has too many values");
  }

  void remove_equal_keys(YamlValue& map) {
    std::unordered_map<std::string_view, int> lines;
    std::vector<YamlValue::Entry> kept;
    kept.reserve(map.entries.size());
    bool equal = false;
    for (const auto& entry : map.entries) {
      const auto [first, fresh] = lines.emplace(entry.key, entry.line);
      if (fresh) {
        kept.push_back(entry);
        continue;
      }
      equal = true;
      faults_.add(
          entry.line, entry.column, path_to(entry.key),
          "this key is here twice, first in line " + std::to_string(first->second) + "; keep one of the two");
    }
    if (equal) map.entries = std::move(kept);
  }

  [[nodiscard]] std::string path_to(std::string_view key) const {
    std::string path;
    for (std::size_t i = 0; i + 1 < frames_.size(); ++i) {
      const Frame& frame = frames_[i];
      if (frame.value->kind == YamlValue::Kind::map) {
        if (!path.empty()) path += '.';
        path += path_step(frame.key.key);
      } else {
        path += "[" + std::to_string(frame.value->items.size()) + "]";
      }
    }
    if (!path.empty()) path += '.';
    return path + path_step(key);
  }

  YamlTree& tree_;
  std::string_view text_;
  FaultList& faults_;
  const YamlBounds& bounds_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, const YamlValue*> anchors_;
  int documents_ = 0;
};

std::string YamlValue::shape() const {
  switch (kind) {
    case Kind::null: return "nothing";
    case Kind::scalar: return quote(text);
    case Kind::sequence: return "a list";
    case Kind::map: return "a map";
  }
  return {};
}

const YamlValue* YamlValue::find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return entry.value;
  }
  return nullptr;
}

std::string path_step(std::string_view key) {
  std::string step = quote(key);
  return step.substr(1, step.size() - 2);
}

YamlTree YamlTree::parse(std::string_view text, FaultList& faults, const YamlBounds& bounds) {
  YamlTree tree;
  if (text.size() > bounds.bytes) {
    faults.add(0, 0, {}, "the file is larger than " + size_text(bounds.bytes));
    return tree;
  }
  std::optional<Refusal> refusal = find_foreign_byte(text);
  if (!refusal) {
    try {
      std::istringstream stream{std::string(text)};
      YAML::Parser parser(stream);
      YamlTreeBuilder builder(tree, text, faults, bounds);
      while (parser.HandleNextDocument(builder)) continue;
    } catch (const Refusal& why) {
      refusal = why;
    } catch (const YAML::Exception& why) {
      refusal = refuse(why.mark, with_hint(why.msg));
    } catch (const std::exception& why) {
      refusal = Refusal{1, 1, std::string("the YAML cannot be read: ") + why.what()};
    }
  }
  if (refusal) {
    faults.add(std::max(refusal->line, 1), std::max(refusal->column, 1), {}, refusal->message);
    tree.root_ = nullptr;
  }
  return tree;
}

const YamlValue* YamlTree::locate(std::string_view path) const {
  const YamlValue* here = root_;
  // Whether the path goes on with `step` as a whole.
  const auto goes_on_with = [&path](std::string_view step) {
    return path.starts_with(step) &&
           (path.size() == step.size() || path[step.size()] == '.' || path[step.size()] == '[');
  };
  while (here != nullptr && !path.empty()) {
    const YamlValue* next = nullptr;
    std::size_t length = 0;
    for (const auto& entry : here->entries) {
      // Keys may contain dots (`app` and `app.v2`), so the longest is meant.
      const std::string step = path_step(entry.key);
      if (!goes_on_with(step) || (next != nullptr && step.size() <= length)) continue;
      next = entry.value;
      length = step.size();
    }
    for (std::size_t i = 0; next == nullptr && i < here->items.size(); ++i) {
      const std::string step = "[" + std::to_string(i) + "]";
      if (!goes_on_with(step)) continue;
      next = here->items[i];
      length = step.size();
    }
    path.remove_prefix(length);
    if (path.starts_with('.')) path.remove_prefix(1);
    here = next;
  }
  return here;
}

}  // namespace tidegate::conf
