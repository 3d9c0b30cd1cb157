#include "upstream/discovery/kubernetes/credential_file.hpp"

#include <algorithm>
#include <string_view>

#include "wire/net/whole_file.hpp"

namespace tidegate::upstream {
namespace {

constexpr std::size_t most_bytes = 1024 * 1024;
constexpr std::size_t longest_secret = 16 * 1024;

conf::Parsed<std::string> unreadable(std::string why) {
  return {boost::system::in_place_error, conf::Unreadable{std::move(why)}};
}

}  // namespace

conf::Parsed<std::string> read_word(const std::string& text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = std::min(text.find_first_not_of(blanks), text.size());
  const auto word = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (word.empty() || word.size() > longest_secret || !std::all_of(word.begin(), word.end(), is_visible))
    return unreadable("is not one word of at most " + std::to_string(longest_secret) + " visible characters");
  return {boost::system::in_place_value, word};
}

conf::Parsed<std::string> read_word_file(const std::string& file) {
  auto text = read_credential_file(file);
  if (!text) return text;
  auto word = read_word(*text);
  return word ? word : unreadable(file + " " + word.error().why);
}

conf::Parsed<std::string> read_credential_file(const std::string& file) {
  auto text = net::read_whole_file(file, most_bytes);
  if (!text) return unreadable(file + " " + text.error().why);
  return {boost::system::in_place_value, std::move(*text)};
}

}  // namespace tidegate::upstream
