// HTTP/1 heads as views into the buffer they were read into (RFC 9112). A head is valid only while that
// buffer is neither moved nor released; nothing here owns bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tidegate::http {

enum class Version : std::uint8_t { http_1_0, http_1_1 };

// What becomes of a request's field whose name has an underscore, a head's or a trailer's. Applications
// behind CGI or WSGI read `X_Real_IP` and `X-Real-IP` as one field, so that a client could speak under the
// gateway's names.
enum class Underscores : std::uint8_t { pass, drop, refuse };

struct Field {
  std::string_view name;   // as received
  std::string_view value;  // without leading and trailing white space
};

// The fields of one head in the order received. Lookups are case-insensitive and linear: heads are short, and
// hashing them costs more than it saves.
class Fields {
 public:
  void clear() { fields_.clear(); }
  void push_back(Field field) { fields_.push_back(field); }

  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] bool empty() const { return fields_.empty(); }

  // The first field of that name, or nullopt.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // True if one of the comma-separated members of any field of that name equals `token`, case-insensitively.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

 private:
  std::vector<Field> fields_;  // keeps its capacity: one `Fields` serves many heads without allocation
};

// A head with more members in its `Connection` fields is refused: each field is compared with all of them.
inline constexpr std::size_t most_connection_options = 64;

struct RequestHead {
  std::string_view method;
  std::string_view target;
  Version version = Version::http_1_1;
  Fields fields;
  std::size_t size =
      0;  // bytes of the head in the buffer, a skipped leading CRLF and the blank line included
};

struct ResponseHead {
  Version version = Version::http_1_1;
  int status = 0;
  std::string_view reason;
  Fields fields;
  std::size_t size = 0;
};

// ASCII case-insensitive equality: HTTP's rule for names and tokens, whatever the locale.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
// The same for names that become variables: whatever is neither letter nor digit is equal, as CGI-like
// applications read `X_Real_IP`, and some `X.Real.IP`, for `X-Real-IP` (RFC 3875 4.1.18).
[[nodiscard]] bool equals_as_variable(std::string_view a, std::string_view b);
// RFC 9110 5.6.2 tchar+.
[[nodiscard]] bool is_token(std::string_view text);
// RFC 9110 5.5: HTAB, SP, VCHAR and obs-text only; an empty value is one.
[[nodiscard]] bool is_field_value(std::string_view text);
// Removes SP and HTAB at both ends (RFC 9110 5.6.3).
[[nodiscard]] std::string_view trim(std::string_view text);

// Calls `visit(member)` for each non-empty member of a comma-separated list (RFC 9110 5.6.1), trimmed, quotes
// respected; stops when `visit` returns false.
template <class Visitor>
void for_each_member(std::string_view list, Visitor&& visit);

// --- implementation of the template ---

template <class Visitor>
void for_each_member(std::string_view list, Visitor&& visit) {
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size()) {
      if (list[i] == '"') quoted = !quoted;
      if (list[i] == '\\' && quoted) ++i;  // quoted-pair: the next byte is literal
      if (i < list.size() && (list[i] != ',' || quoted)) continue;
    }
    const auto member = trim(list.substr(begin, i - begin));
    begin = i + 1;
    if (!member.empty() && !visit(member)) return;
  }
}

}  // namespace tidegate::http
