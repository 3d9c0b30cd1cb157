// Members of the API's objects, whatever these really are: what is absent, null or of another kind is not
// there.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace tidegate::upstream {

// Null where `object` is no object or has no such member, or one that is null.
[[nodiscard]] inline const boost::json::value* member(const boost::json::value* object,
                                                      std::string_view name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto* const found = object->get_object().if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

// Null where it is no array.
[[nodiscard]] inline const boost::json::array* items(const boost::json::value* value) {
  return value == nullptr ? nullptr : value->if_array();
}

// Empty where it is no text.
[[nodiscard]] inline std::string_view text(const boost::json::value* value) {
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

}  // namespace tidegate::upstream
